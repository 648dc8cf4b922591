# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of an inference on an emulated Xtensa core.

The code is that of an ESP32-S3's native modules, compiled by LLVM. The chip has MULSH and MULUH,
which QEMU's core lacks: they trap, and the instructions that emulate them are not counted.
"""

from __future__ import annotations

import collections
import functools
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.build import compilers, natmod
from workbench.paths import BOARDS, BUILD, MODULES, locked
from workbench.runners import xtensa
from workbench.runners.xtensa import EMULATOR, LINKER, XtensaError

SIZE = "xtensa-lx106-elf-size"
HOPS = 100
TIMEOUT_S = 300
# The functions of run.c that transfer bytes, which are not part of an inference.
FEEDING = ("run", "take", "linux_take", "linux_call")
# Functions that emulate an instruction which this core lacks; the instruction itself is counted.
EMULATING = (
    *("on_illegal", "run_wide", "run_memory", "vectors_run", "load", "shift_pair", "product"),
    *("add_to_accx", "add_to_qacc", "qacc_word", "__muldi3", "linux_return_from_signal"),
)
# The functions of the runtime that run.c calls.
CALLED = ("tflm_load", "tflm_find", "tflm_step", "tflm_type_bytes")

SOURCE = BOARDS / "xtensa"
SUPPORT = ("start.s", "run.c", "muldi3.c", "port/lacking.c", "port/vectors.c", "port/windows.s")
OUTPUT = BUILD / "xtensa-count"
LOCK = BUILD / "xtensa-count.lock"


@functools.cache
def build(chip: int = xtensa.ESP32S3) -> Path:
    """Builds the program with the runtime as in a native module, and returns its path.

    Args:
        chip: The chip whose module it is.

    Raises:
        XtensaError: A tool is missing.
        compilers.CompilerError: It did not compile.
    """
    compiler = xtensa.compiler()
    with locked(LOCK):
        return _build(compiler, xtensa.defines(chip))


def _build(compiler: compilers.Compiler, defines: Sequence[str]) -> Path:
    output = OUTPUT / ("esp32" if defines else "esp32s3")
    output.mkdir(parents=True, exist_ok=True)
    core = MODULES / "tflm" / "core"
    flags = ["-std=c99", "-DNDEBUG", *compilers.WARNINGS, f"-I{core}", f"-I{SOURCE}"]
    flags += [f"-D{define}" for define in defines]
    target = compilers.xtensa_llvm()
    assert target is not None
    parts = []
    for index, source in enumerate(sorted(core.glob("**/*.c"))):
        parts.append(output / f"{index}_{source.stem}.o")
        target.compile_part(source, parts[-1], [*flags, *natmod.optimisation("xtensawin", source)])
    objects = [output / "tflm.o"]
    target.merge(parts, objects[0], CALLED)
    for source in [*natmod.LLVM_RUNTIME, *map(SOURCE.joinpath, SUPPORT)]:
        objects.append(output / f"{source.stem}.o")
        if source.suffix == ".s":
            compilers.assemble(compiler, source, objects[-1])
        else:
            compiler.compile(source, objects[-1], [*flags, "-O2", "-fno-builtin"])
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
    compilers.run(link, "the Xtensa program did not link")
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
    flags = ["-std=c99", "-O2", *compilers.WARNINGS, "-shared", "-fPIC"]
    compiler = os.environ.get("CC", "cc")
    with locked(LOCK):
        plugin.parent.mkdir(parents=True, exist_ok=True)
        compilers.run(
            [compiler, *flags, "-o", plugin, SOURCE / "count.c"], "the counter did not compile"
        )
    return plugin


def instructions(
    model: bytes,
    input_bytes: int,
    chip: int = xtensa.ESP32S3,
    *,
    built_for: int | None = None,
) -> dict[str, int]:
    """Counts the instructions of one inference, on zeros, by function; the most first.

    Args:
        model: A .tflite file.
        input_bytes: Size of its inputs.
        chip: The chip to imitate: xtensa.ESP32S3, ESP32 or DAMAGED. Vector instructions of an
            ESP32-S3 that the counter does not see are under "vectors".
        built_for: The chip that the module is built for; None means `chip`.

    Raises:
        XtensaError: It failed.
    """
    program = str(build(chip if built_for is None else built_for))
    counts: list[collections.Counter[str]] = []
    # Both counts include loading; the first inference after that may do some things once.
    for inferences in (2, 3):
        header = chip.to_bytes(4, "little") + len(model).to_bytes(4, "little")
        data = header + model + bytes(inferences * input_bytes)
        counts.append(_counted(_execute([*_counting(), program], data)))
    fewer, more = counts
    taken = more - fewer
    in_order = sorted(taken.items(), key=lambda item: -item[1])
    return {name: count for name, count in in_order if count and name not in FEEDING + EMULATING}


def _counting() -> list[str]:
    """The emulator, with the plugin."""
    return [EMULATOR[0], "-plugin", str(_counter()), "-d", "plugin", *EMULATOR[1:]]


def _counted(done: subprocess.CompletedProcess[bytes]) -> collections.Counter[str]:
    """Parses what the plugin wrote, and what the program wrote about vector instructions."""
    taken = collections.Counter[str]()
    for line in done.stderr.decode().splitlines():
        # LLVM distinguishes functions of the same name by a number at the end.
        name, count = line.split()
        taken[name.partition(".")[0]] += int(count)
    return taken


def hop(
    script: Path,
    words: Sequence[str],
    samples: bytes,
    files: Mapping[str, bytes],
    chip: int = xtensa.ESP32S3,
) -> dict[str, int]:
    """Counts the instructions of one hop of the perception loop, by function of MicroPython.

    Args:
        script: firmware/checks/hops.py.
        words: Names of wake word models.
        samples: The sound that it hears.
        files: The loop, the models, and asyncio.
        chip: As for `instructions`.

    Returns:
        Those of native modules under "?", and under "vectors" as `instructions` says.

    Raises:
        XtensaError: It failed.
    """
    counts: list[collections.Counter[str]] = []
    given = {"script.py": script.read_bytes(), "stdin": samples, **files}
    for hops in (HOPS, 2 * HOPS):
        code = xtensa.WRAPPER.format(argv=[script.stem, "/rom", "0", str(hops), *words])
        counts.append(_counted(xtensa.run_on(_counting(), code, given, chip)))
    taken = counts[1] - counts[0]
    return {name: n // HOPS for name, n in taken.items() if name not in EMULATING}


def text_bytes() -> int:
    """Returns the size of code and constants of the model runtime, with all operators.

    Raises:
        XtensaError: A tool is missing.
    """
    report = compilers.run([SIZE, build().with_name("tflm.o")], "no size of the runtime")
    row = report.splitlines()[1]
    return int(row.split()[0])
