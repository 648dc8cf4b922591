# SPDX-License-Identifier: Apache-2.0
"""MicroPython's own test suite on our port.

`python -m workbench.runners.porttest [--board B] [TEST...]` runs it.

The tests come from the pinned source tree and are run by its own run-tests.py, through the board's
serial port. firmware/port/tests/skips.toml names those that are left out, with the reason.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from workbench.build import micropython, sources
from workbench.emulation import flashimage
from workbench.emulation.qemu import Qemu, load_machine
from workbench.errors import WorkbenchError
from workbench.paths import FIRMWARE

PORT_TESTS = FIRMWARE / "port" / "tests"
FOLDERS = (
    "basics",
    "extmod",
    "float",
    "import",
    "inlineasm/thumb",
    "io",
    "micropython",
    "misc",
    "stress",
    "unicode",
)
NATIVE_ARCH = "armv7emsp"
NATIVE_MODULES = ("deflate", "framebuf", "heapq", "random", "re")


class PortTestError(WorkbenchError):
    """Tests failed, or could not be run."""


def skips() -> dict[str, str]:
    """Returns the tests that are left out, with the reasons."""
    reasons: dict[str, str] = tomllib.loads((PORT_TESTS / "skips.toml").read_text())
    return reasons


def copy_suite(folder: Path) -> None:
    """Copies the suite out of the source tree, which stays unmodified."""
    tree = sources.micropython()
    for part in ("tests", "tools", "examples/natmod"):
        shutil.copytree(tree / part, folder / part)


def flash_files(suite: Path) -> dict[str, bytes]:
    """Returns the files that tests expect beside them, and the module that some need."""
    tests = suite / "tests"
    files = {
        str(path.relative_to(tests / folder)): path.read_bytes()
        for folder in ("io", "unicode", "import")
        for path in (tests / folder).rglob("*")
        if path.is_file() and (folder == "import" or path.parent.name == "data")
    }
    return files | {"lib/unittest.py": (PORT_TESTS / "unittest.py").read_bytes()}


def _run(qemu: Qemu, suite: Path, program: str, arguments: list[str]) -> bool:
    done = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=suite / "tests",
        env=os.environ | {"MICROPY_CPYTHON3": sys.executable, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    qemu.check()
    return done.returncode == 0


def run(board: str, tests: list[str]) -> bool:
    """Runs tests on an emulated board and prints how each went.

    Args:
        board: Folder below boards/.
        tests: Paths below MicroPython's tests/; none means everything.

    Returns:
        Whether all passed.

    Raises:
        WorkbenchError: The board cannot be built or emulated.
    """
    with tempfile.TemporaryDirectory(prefix="glint-porttest-") as folder:
        suite = Path(folder)
        copy_suite(suite)
        return _run_suite(board, tests, suite)


def _run_suite(board: str, tests: list[str], suite: Path) -> bool:
    firmware = micropython.ensure(board)
    machine = load_machine(board)
    flash = suite / "flash.bin"
    flashimage.create(flash, flash_files(suite), machine=machine)
    exclude = "^(" + "|".join(map(re.escape, skips())) + ")$"
    with Qemu(board, firmware, flash=flash, pty=True) as qemu:
        common = ["-t", qemu.console_path]
        which = tests or ["-d", *FOLDERS]
        passed = _run(qemu, suite, "run-tests.py", [*common, "-e", exclude, *which])
        if not tests:
            passed &= _run(qemu, suite, "run-natmodtests.py", native_tests(suite, qemu))
    return passed


def native_tests(suite: Path, qemu: Qemu) -> list[str]:
    """Builds MicroPython's example native modules; returns the arguments that test them."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    variables = {
        "ARCH": NATIVE_ARCH,
        "MPY_DIR": sources.micropython(),
        "MPY_CROSS": micropython.mpy_cross(),
        "PYTHON": sys.executable,
    }
    tests = []
    for module in NATIVE_MODULES:
        done = subprocess.run(
            ["make", *(f"{name}={value}" for name, value in variables.items())],
            cwd=suite / "examples" / "natmod" / module,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stdout + done.stderr
            raise PortTestError(f"the native module {module} did not build:\n{said}")
        tests += sorted(
            str(path.relative_to(suite / "tests"))
            for path in (suite / "tests" / "extmod").glob(f"{module}*.py")
        )
    return ["-p", "-d", qemu.console_path, "-a", NATIVE_ARCH, *tests]


def main() -> int:
    """Runs the suite from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--board", default="corstone300")
    parser.add_argument("tests", nargs="*", help="paths below MicroPython's tests/ [all]")
    arguments = parser.parse_args()
    try:
        return 0 if run(arguments.board, arguments.tests) else 1
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
