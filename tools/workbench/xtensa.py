# SPDX-License-Identifier: Apache-2.0
"""The C cores on an emulated Xtensa core: LLVM's code, windowed registers and FPU included."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from workbench import natmod
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS, BUILD, MODULES, locked

# QEMU's one core with windowed registers and FPU. It lacks MULSH and MULUH, which ESP32-S3 has:
# what __muldi3 takes here (run.c) takes a tenth of that there.
EMULATOR = ("qemu-xtensa", "-cpu", "de233_fpu")
LINKER = "xtensa-lx106-elf-ld"
SIZE = "xtensa-lx106-elf-size"
LACKING = ("mul32high",)
TIMEOUT_S = 300
# The functions of run.c that hand bytes over, which are not an inference's.
FEEDING = ("run", "system_call", "take", "give")

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
    with locked(BUILD / "xtensa.lock"):
        return _build(compiler)


def _build(compiler: natmod.Compiler) -> Path:
    output = BUILD / "xtensa"
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.o"):
        old.unlink()
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
        compiler.compile(source, objects[-1], [*flags, level])
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
    return _execute([*EMULATOR, str(build())], data).stdout


def _execute(command: list[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=TIMEOUT_S)
    if done.returncode:
        reason = (done.stdout[-200:].split(b"\0")[0] or done.stderr).decode(errors="replace")
        raise XtensaError(f"on the Xtensa core: exit status {done.returncode} {reason}".strip())
    return done


@functools.cache
def _counter() -> Path:
    """Builds QEMU's plugin that counts instructions, for this machine."""
    plugin = BUILD / "xtensa" / "count.so"
    flags = ["-std=c99", "-O2", *natmod.WARNINGS, "-shared", "-fPIC"]
    compiler = os.environ.get("CC", "cc")
    with locked(BUILD / "xtensa.lock"):
        plugin.parent.mkdir(parents=True, exist_ok=True)
        natmod.run(
            [compiler, *flags, "-o", plugin, SOURCE / "count.c"], "the counter did not compile"
        )
    return plugin


def instructions(model: bytes, input_bytes: int) -> dict[str, int]:
    """Counts the instructions of one inference, on zeros, by function; the most first.

    Args:
        model: A .tflite file.
        input_bytes: What its inputs take.

    Raises:
        XtensaError: It failed.
    """
    command = [EMULATOR[0], "-plugin", str(_counter()), "-d", "plugin", *EMULATOR[1:], str(build())]
    counts = []
    # What loading takes is in both; the first inference after it may do some things once.
    for inferences in (2, 3):
        data = len(model).to_bytes(4, "little") + model + bytes(inferences * input_bytes)
        lines = _execute(command, data).stderr.decode().splitlines()
        counts.append({name: int(count) for name, count in map(str.split, lines)})
    fewer, more = counts
    taken = {name: count - fewer.get(name, 0) for name, count in more.items()}
    in_order = sorted(taken.items(), key=lambda item: -item[1])
    return {name: count for name, count in in_order if count and name not in FEEDING}


def text_bytes() -> int:
    """Code and constants of the model runtime, with all operators.

    Raises:
        XtensaError: A tool is missing.
    """
    build()
    core = {path.stem for path in (MODULES / "tflm" / "core").glob("**/*.c")}
    objects = [
        path for path in (BUILD / "xtensa").glob("*_*.o") if path.stem.partition("_")[2] in core
    ]
    rows = natmod.run([SIZE, *objects], "no size of the objects").splitlines()[1:]
    return sum(int(row.split()[0]) for row in rows)


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
