# SPDX-License-Identifier: Apache-2.0
"""The self-test that runs on a board, and what it has to print.

`python -m workbench.selftest` writes firmware/checks/selftest.json anew, from what the linux board
prints; the tests hold that against the references of micdsp and tflm.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from workbench import build, zoo
from workbench.errors import WorkbenchError
from workbench.paths import FIRMWARE
from workbench.serialboard import SerialBoard

SCRIPT = FIRMWARE / "checks" / "selftest.py"
EXPECTED = FIRMWARE / "checks" / "selftest.json"
MODEL = "okay_nabu"
TIMEOUT_S = 120


class SelftestError(WorkbenchError):
    """A board computes something else than it should."""


def verify(report: dict[str, Any]) -> None:
    """Compares what a board printed with what it has to print.

    Raises:
        SelftestError: Names what differs.
    """
    expected = json.loads(EXPECTED.read_text())
    if report.get("tflm", {}).get("model") != expected["tflm"]["model"]:
        del expected["tflm"]  # not the model that the values were made with
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


def main() -> int:
    """Writes the expected values."""
    code = f"MODEL = {str(zoo.find(MODEL))!r}\n{SCRIPT.read_text()}"
    command = [str(build.ensure("linux")), "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    expected = {part: report[part] for part in ("micdsp", "tflm")}
    EXPECTED.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
