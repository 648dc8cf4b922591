# SPDX-License-Identifier: Apache-2.0
"""Runs scripts with native .mpy files on a RISC-V microcontroller in QEMU."""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mpremote.romfs import VfsRomWriter

from workbench.build import micropython, natmod
from workbench.device.serialboard import SerialBoard
from workbench.errors import WorkbenchError
from workbench.system import Say, provide, say_step

PROGRAM = "qemu-system-riscv32"
OPTIONS = ("-machine", "virt", "-bios", "none", "-display", "none", "-monitor", "none")
ARCH = "rv32imc"
START_TIMEOUT_S = 10.0
RUN_TIMEOUT_S = 300
# Lies in the machine's 128 MB at 0x80000000, above what MicroPython's mcu/rv32/virt.ld uses.
ROM_ADDRESS = 0x84000000

MOUNT = """
import os, uctypes, vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at({address}, {size})), "/rom")
os.chdir("/rom")
"""
# The script finds its arguments and standard streams in the same places as on other boards; raw
# bytes would be mistaken for the console's own.
WRAPPER = """
import sys
from binascii import b2a_base64
class _Input:
    buffer = open("stdin", "rb")
class _Output:
    def write(self, data):
        print(b2a_base64(data).decode(), end="")
_Output.buffer = _Output()
class _Sys:
    argv = {argv!r}
    stdin = _Input
    stdout = _Output
    exit = sys.exit
sys.modules["sys"] = _Sys
exec(open("script.py").read(), {{"__name__": "__main__"}})
"""


class Rv32Error(WorkbenchError):
    """QEMU is missing, or did not start."""


@contextlib.contextmanager
def started(files: Mapping[str, bytes], say: Say = say_step) -> Iterator[SerialBoard]:
    """Starts the machine and yields its MicroPython at the prompt.

    Args:
        files: Files in /rom, its current folder, besides the native modules.
        say: Called with a line for each step.

    Raises:
        Rv32Error: QEMU is missing, or did not start.
        WorkbenchError: The image or a module cannot be built.
    """
    if missing := provide([PROGRAM], say):
        raise Rv32Error(missing)
    image = micropython.ensure("rv32", say)
    writer = VfsRomWriter()
    for name in natmod.native_modules():
        writer.mkfile(f"{name}.mpy", natmod.build(name, ARCH, say=say).read_bytes())
    for name, content in files.items():
        writer.mkfile(name, content)
    rom = writer.finalise()
    with tempfile.TemporaryDirectory(prefix="glint-rv32-") as folder:
        log, raw = Path(folder) / "log", Path(folder) / "rom"
        raw.write_bytes(rom)
        command = [PROGRAM, *OPTIONS, "-serial", "pty", "-kernel", str(image)]
        command += ["-device", f"loader,file={raw},addr={ROM_ADDRESS:#x},force-raw=on"]
        with log.open("w") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            with SerialBoard(_pty(log, process)) as board:
                board.run(MOUNT.format(address=ROM_ADDRESS, size=len(rom)))
                yield board
        finally:
            process.kill()
            process.wait()


def _pty(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if found := re.search(r"redirected to (\S+)", said):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise Rv32Error(f"{PROGRAM} did not start: {log.read_text(errors='replace').strip()}")


class Rv32:
    """A RISC-V microcontroller in QEMU, with the native modules."""

    def run(
        self,
        script: Path,
        *arguments: str,
        stdin: bytes = b"",
        files: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """As `Runner.run`."""
        given = {"script.py": script.read_bytes(), "stdin": stdin, **(files or {})}
        with started(given) as board:
            said = board.run(WRAPPER.format(argv=[script.stem, *arguments]), RUN_TIMEOUT_S)
        return b"".join(base64.b64decode(line) for line in said.split())
