# SPDX-License-Identifier: Apache-2.0
"""The C cores on an emulated Xtensa core: LLVM's code, windowed registers and FPU included."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from workbench import natmod
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS, BUILD, MODULES

# QEMU's one core with windowed registers and FPU. It lacks MULSH and MULUH, which ESP32-S3 has.
EMULATOR = ("qemu-xtensa", "-cpu", "de233_fpu")
LINKER = "xtensa-lx106-elf-ld"
LACKING = ("mul32high",)
TIMEOUT_S = 300

SOURCE = BOARDS / "xtensa"


class XtensaError(WorkbenchError):
    """A tool is missing, or the program failed on the emulated core."""


def missing() -> str:
    """What is not there, in words; nothing when all is."""
    lacking = [tool for tool in (EMULATOR[0], LINKER) if shutil.which(tool) is None]
    if natmod.xtensa_llvm() is None:
        lacking.append("LLVM with the Xtensa back end")
    if not lacking:
        return ""
    packages = "qemu-user binutils-xtensa-lx106 clang-22 llvm-22 picolibc-riscv64-unknown-elf"
    return f"not found: {', '.join(lacking)}. On Debian: apt-get install {packages}"


@functools.cache
def build() -> Path:
    """Builds the program, as the native modules are built; gives its path.

    Raises:
        XtensaError: A tool is missing.
        natmod.NatmodError: It did not compile.
    """
    if lacking := missing():
        raise XtensaError(lacking)
    features = [feature for feature in natmod.XTENSA_FEATURES if feature not in LACKING]
    compiler = natmod.xtensa_llvm(features)
    assert compiler is not None
    output = BUILD / "xtensa"
    output.mkdir(parents=True, exist_ok=True)
    cores = [MODULES / "micdsp" / "core", MODULES / "tflm" / "core"]
    flags = ["-std=c99", "-DNDEBUG", "-fno-builtin", *natmod.WARNINGS]
    flags += [f"-I{core}" for core in cores]
    sources = [SOURCE / "run.c", *natmod.LLVM_RUNTIME]
    sources += [source for core in cores for source in sorted(core.glob("**/*.c"))]
    objects = [output / "start.o"]
    natmod.assemble(compiler, SOURCE / "start.s", objects[0])
    for index, source in enumerate(sources):
        objects.append(output / f"{index}_{source.stem}.o")
        level = natmod.optimisation("xtensawin", source)
        compiler.compile(source, objects[-1], [*flags, *level])
    program = output / "run"
    link: list[str | Path] = [
        LINKER,
        "--no-relax",
        "-T",
        SOURCE / "link.ld",
        "-o",
        program,
        *objects,
    ]
    natmod.run(link, "the Xtensa program did not link")
    return program


def execute(data: bytes) -> bytes:
    """Runs the program on what boards/xtensa/run.c reads; gives what it writes.

    Raises:
        XtensaError: It failed.
    """
    done = subprocess.run(
        [*EMULATOR, build()], input=data, capture_output=True, check=False, timeout=TIMEOUT_S
    )
    if done.returncode:
        reason = (done.stdout[-200:].split(b"\0")[0] or done.stderr).decode(errors="replace")
        raise XtensaError(f"on the Xtensa core: exit status {done.returncode} {reason}".strip())
    return done.stdout


def run_model(model: bytes, inputs: bytes) -> bytes:
    """Runs inferences one after another; gives their outputs.

    Args:
        model: A .tflite file.
        inputs: Tensor bytes of one or more inferences.

    Raises:
        XtensaError: It failed.
    """
    return execute(len(model).to_bytes(4, "little") + model + inputs)


def features(samples: bytes) -> bytes:
    """Wake word features of 16 kHz samples, 80 bytes a frame.

    Raises:
        XtensaError: It failed.
    """
    return execute(bytes(4) + samples)
