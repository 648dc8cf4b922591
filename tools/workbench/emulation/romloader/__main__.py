# SPDX-License-Identifier: Apache-2.0
"""``python -m workbench.emulation.romloader --pty PATH --flash FILE [--fault NAME]``."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from workbench.emulation.romloader.chip import PSRAM_CODES, Identity, Registers
from workbench.emulation.romloader.flash import Flash
from workbench.emulation.romloader.line import Line
from workbench.emulation.romloader.loader import Loader, Unplugged

FAULTS = {
    "lossy": "a byte in every 60 KB from the host is lost",
    "wrong-md5": "the flash's MD5 is not that of what was written",
    "unplugged": "the cable is pulled when 64 KB of an image have arrived",
    "busy": "another program has the port open",
    "silent": "nobody answers",
    "boot-loop": "the chip is not in download mode and resets again and again",
}
UNPLUG_AFTER_BYTES = 64 * 1024


def main() -> int:
    """Serves until it is interrupted, or until the fault has happened."""
    parser = argparse.ArgumentParser(prog="workbench.emulation.romloader", description=__doc__)
    parser.add_argument("--pty", type=Path, required=True, help="name to give the serial port")
    parser.add_argument("--flash", type=Path, required=True, help="file that stands for the flash")
    parser.add_argument(
        "--fault", choices=FAULTS, help="; ".join(f"{k}: {v}" for k, v in FAULTS.items())
    )
    parser.add_argument("--chip", default=Identity.name, help="esptool's name of the chip")
    parser.add_argument("--flash-size", default=Identity.flash)
    parser.add_argument("--psram", choices=PSRAM_CODES, default=Identity.psram)
    parser.add_argument("--secure-boot", action="store_true")
    parser.add_argument("--flash-encryption", action="store_true")
    options = parser.parse_args()
    try:
        registers = Registers(
            Identity(
                name=options.chip,
                flash=options.flash_size,
                psram=options.psram,
                secure_boot=options.secure_boot,
                flash_encryption=options.flash_encryption,
            )
        )
        flash = Flash(options.flash, registers.flash_bytes)
    except (ValueError, OSError) as error:
        print(f"romloader: {error}", file=sys.stderr)
        return 2
    line = Line(options.pty, lossy=options.fault == "lossy", busy=options.fault == "busy")
    with flash, line, contextlib.suppress(KeyboardInterrupt):
        print(f"romloader: {options.chip} on {options.pty}", flush=True)
        if options.fault == "boot-loop":
            line.repeat_boot_log()
        if options.fault == "silent":
            line.swallow()
        loader = Loader(
            line,
            registers,
            flash,
            unplug_after_bytes=UNPLUG_AFTER_BYTES if options.fault == "unplugged" else 0,
            wrong_md5=options.fault == "wrong-md5",
        )
        try:
            loader.run()
        except Unplugged:
            print("romloader: the cable is out", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
