# SPDX-License-Identifier: Apache-2.0
"""Runs the self-test on a board and compares its output with the expected values.

`python -m workbench.device.selftest` regenerates firmware/checks/selftest.json from the output of
the linux board; the tests compare that with the references of micdsp and tflm.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from workbench.build import micropython, romfs, zoo
from workbench.device.serialboard import SerialBoard
from workbench.emulation import flashimage
from workbench.emulation.qemu import Qemu, load_machine
from workbench.errors import WorkbenchError
from workbench.paths import FIRMWARE

SCRIPT = FIRMWARE / "checks" / "selftest.py"
EXPECTED = FIRMWARE / "checks" / "selftest.json"
MODEL = "okay_nabu"
TIMEOUT_S = 120


class SelftestError(WorkbenchError):
    """A board computes a wrong value."""


def verify(report: dict[str, Any]) -> None:
    """Compares what a board printed with the expected values.

    Raises:
        SelftestError: Names what differs.
    """
    expected = json.loads(EXPECTED.read_text())
    if report.get("tflm", {}).get("model") != expected["tflm"]["model"]:
        del expected["tflm"]  # the values were made with another model
    wrong = [
        f"{part}.{name}"
        for part in expected
        for name in expected[part]
        if report[part].get(name) != expected[part][name]
    ]
    if wrong:
        raise SelftestError(
            f"the board computes other values than it should: {', '.join(wrong)}; its native "
            "modules are not those of this checkout: remove them from the board and deploy again"
        )


def run(board: SerialBoard, model: str | None = None) -> dict[str, Any]:
    """Runs the self-test on a board and returns its report: values, `hop_us` and `heap_free`.

    Args:
        board: At its prompt.
        model: Path on the board of the zoo's model MODEL, to test tflm too.

    Raises:
        SelftestError: A value is wrong.
        serialboard.BoardError: It could not run.
    """
    code = f"MODEL = {model!r}\n{SCRIPT.read_text()}"
    report: dict[str, Any] = json.loads(board.run(code, TIMEOUT_S))
    verify(report)
    return report


def run_emulated(board: str) -> dict[str, Any]:
    """Returns the unverified report of an emulated board's image, with the zoo's model MODEL.

    Raises:
        SelftestError: It could not run.
        WorkbenchError: The board cannot be built or emulated, or the model cannot be obtained.
    """
    model = zoo.find(MODEL)
    if board == "linux":
        code = f"MODEL = {str(model)!r}\n{SCRIPT.read_text()}"
        command = [str(micropython.ensure(board)), "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SelftestError(f"the self-test failed: {done.stderr.strip().splitlines()[-1]}")
        printed = done.stdout
    else:
        machine = load_machine(board)
        with tempfile.TemporaryDirectory(prefix="glint-selftest-") as folder:
            flash = Path(folder) / "flash.bin"
            rom = romfs.build({"model.tflite": model.read_bytes()})
            flashimage.create(flash, {}, machine=machine, rom=rom)
            with Qemu(board, micropython.ensure(board), flash=flash) as qemu:
                qemu.console.enter_raw_repl()
                code = f"MODEL = '/rom/model.tflite'\n{SCRIPT.read_text()}"
                printed = qemu.console.run(code, TIMEOUT_S)
    report: dict[str, Any] = json.loads(printed)
    return report


def main() -> int:
    """Writes the expected values."""
    report = run_emulated("linux")
    expected = {part: report[part] for part in ("micdsp", "tflm")}
    del expected["tflm"]["vectors"]  # These differ from board to board.
    EXPECTED.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
