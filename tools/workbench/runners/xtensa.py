# SPDX-License-Identifier: Apache-2.0
"""Runs scripts with an ESP32-S3's own .mpy files on an emulated Xtensa core.

`python -m workbench.runners.xtensa` prints the compiler's command, for boards/xtensa/port/Makefile.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.build import compilers, micropython, natmod, romfs
from workbench.errors import WorkbenchError
from workbench.system import say_step

# QEMU's only core with windowed registers and FPU. It lacks the ESP32-S3's MULSH, MULUH and vector
# unit; boards/xtensa/port/lacking.c and vectors.c emulate these for native modules.
EMULATOR = ("qemu-xtensa", "-cpu", "de233_fpu")
LINKER = "xtensa-lx106-elf-ld"
LACKING = ("mul32high",)
ARCH = "xtensawin"
TIMEOUT_S = 300
# The chips that the core imitates, by their CONFIGID0: ESP-IDF v5.4's
# components/xtensa/CHIP/include/xtensa/config/core-isa.h, XCHAL_HW_CONFIGID0. An ESP32 has no
# vector unit, and gets modules without kernels for one.
ESP32S3 = 0xC2F0FFFE
ESP32 = 0xC2BCFFFE
# An ESP32-S3 whose vector unit adds wrongly, for tests.
DAMAGED = 0xC2F0FFFF

# The script finds its arguments and standard streams in the same places as on other boards.
WRAPPER = """
import sys
class _Streams:
    def __init__(self, buffer):
        self.buffer = buffer
class _Sys:
    argv = {argv!r}
    stdin = _Streams(open("stdin", "rb"))
    stdout = sys.stdout
    exit = sys.exit
sys.modules["sys"] = _Sys
exec(open("script.py").read(), {{"__name__": "__main__"}})
"""


def defines(chip: int) -> tuple[str, ...]:
    """Returns the macros that modules for a chip are built with."""
    return (natmod.WITHOUT_VECTORS,) if chip == ESP32 else ()


class XtensaError(WorkbenchError):
    """A tool is missing, or a script failed on the emulated core."""


def missing() -> str:
    """Describes the missing tools; empty if none is missing."""
    lacking = [tool for tool in (EMULATOR[0], LINKER) if shutil.which(tool) is None]
    if compilers.xtensa_llvm() is None:
        lacking.append("LLVM with the Xtensa back end")
    if not lacking:
        return ""
    packages = "qemu-user binutils-xtensa-lx106 clang-22 llvm-22 picolibc-riscv64-unknown-elf"
    return f"not found: {', '.join(lacking)}. On Debian: apt-get install {packages}"


def compiler() -> compilers.Compiler:
    """Returns the compiler for QEMU's core.

    Raises:
        XtensaError: A tool is missing.
    """
    if lacking := missing():
        raise XtensaError(lacking)
    features = [feature for feature in compilers.XTENSA_FEATURES if feature not in LACKING]
    found = compilers.xtensa_llvm(features)
    assert found is not None
    return found


def run_code(code: str, files: Mapping[str, bytes], chip: int = ESP32S3) -> bytes:
    """Runs a script with the native modules and returns what it printed or wrote.

    Args:
        code: In Python.
        files: Other files in /rom, its current folder.
        chip: The chip to imitate: ESP32S3, ESP32 or DAMAGED.

    Raises:
        XtensaError: A tool is missing, or it raised.
        WorkbenchError: MicroPython or a module cannot be built.
    """
    return run_on(EMULATOR, code, files, chip).stdout


def run_on(
    emulator: Sequence[str], code: str, files: Mapping[str, bytes], chip: int
) -> subprocess.CompletedProcess[bytes]:
    """Runs as `run_code` on an emulator with other options; also returns the emulator's output.

    Raises:
        XtensaError, WorkbenchError: As run_code.
    """
    if lacking := missing():
        raise XtensaError(lacking)
    program = micropython.ensure("xtensa", bare=True)
    modules = {
        f"{name}.mpy": natmod.build(
            name, ARCH, say=say_step, defines=defines(chip), tag="-esp32" if defines(chip) else ""
        ).read_bytes()
        for name in natmod.native_modules()
    }
    rom = romfs.build({**modules, **files})
    done = subprocess.run(
        [*emulator, str(program)],
        input=chip.to_bytes(4, "little") + len(rom).to_bytes(4, "little") + rom + code.encode(),
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise XtensaError(said[0] if said else f"exit status {done.returncode}")
    return done


class Xtensa:
    """MicroPython on an emulated Xtensa core that imitates a chip, with its native modules."""

    def __init__(self, chip: int = ESP32S3) -> None:
        self.chip = chip

    def run(
        self,
        script: Path,
        *arguments: str,
        stdin: bytes = b"",
        files: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """As `Runner.run`."""
        given = {"script.py": script.read_bytes(), "stdin": stdin, **(files or {})}
        return run_code(WRAPPER.format(argv=[script.stem, *arguments]), given, self.chip)


if __name__ == "__main__":
    try:
        print(*compiler().command)
    except XtensaError as error:
        sys.exit(str(error))
