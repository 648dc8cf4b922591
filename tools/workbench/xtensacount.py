# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of an inference on an emulated Xtensa core, with LLVM's code for it."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

from workbench import natmod, xtensa
from workbench.paths import BOARDS, BUILD, MODULES, locked
from workbench.xtensa import EMULATOR, LINKER, XtensaError

SIZE = "xtensa-lx106-elf-size"
TIMEOUT_S = 300
# The functions of run.c that hand bytes over, which are not an inference's.
FEEDING = ("run", "take", "linux_take", "linux_call")

SOURCE = BOARDS / "xtensa"
OUTPUT = BUILD / "xtensa-count"
LOCK = BUILD / "xtensa-count.lock"


@functools.cache
def build() -> Path:
    """Builds the program, as the native modules are built; gives its path.

    Raises:
        XtensaError: A tool is missing.
        natmod.NatmodError: It did not compile.
    """
    compiler = xtensa.compiler()
    with locked(LOCK):
        return _build(compiler)


def _build(compiler: natmod.Compiler) -> Path:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for old in OUTPUT.glob("*.o"):
        old.unlink()
    core = MODULES / "tflm" / "core"
    flags = ["-std=c99", "-DNDEBUG", "-fno-builtin", *natmod.WARNINGS, f"-I{core}"]
    sources = [SOURCE / "run.c", SOURCE / "muldi3.c", *natmod.LLVM_RUNTIME]
    sources += sorted(core.glob("**/*.c"))
    objects = [OUTPUT / "start.o"]
    natmod.assemble(compiler, SOURCE / "start.s", objects[0])
    for index, source in enumerate(sources):
        objects.append(OUTPUT / f"{index}_{source.stem}.o")
        level = natmod.optimisation("xtensawin", source)
        compiler.compile(source, objects[-1], [*flags, level])
    program = OUTPUT / "run"
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


def _execute(command: list[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=TIMEOUT_S)
    if done.returncode:
        reason = done.stderr.decode(errors="replace")
        raise XtensaError(f"on the Xtensa core: exit status {done.returncode} {reason}".strip())
    return done


@functools.cache
def _counter() -> Path:
    """Builds QEMU's plugin that counts instructions, for this machine."""
    plugin = OUTPUT / "count.so"
    flags = ["-std=c99", "-O2", *natmod.WARNINGS, "-shared", "-fPIC"]
    compiler = os.environ.get("CC", "cc")
    with locked(LOCK):
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
    objects = [path for path in OUTPUT.glob("*_*.o") if path.stem.partition("_")[2] in core]
    rows = natmod.run([SIZE, *objects], "no size of the objects").splitlines()[1:]
    return sum(int(row.split()[0]) for row in rows)
