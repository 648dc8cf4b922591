# SPDX-License-Identifier: Apache-2.0
"""An inference on this machine: its instructions, and its time beside TensorFlow Lite Micro's."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.paths import BUILD, FIRMWARE, MODULES, locked

CFLAGS = ("-std=c99", "-O2", "-DNDEBUG", "-Wall", "-Wextra", "-Werror")
CORE = MODULES / "tflm" / "core"
DRIVER = FIRMWARE / "checks" / "model_count.c"
# Each round runs both for about so long, one after the other; so a slow moment hits both.
ROUND_S = 0.02
ROUNDS = 15
REFERENCE_ARENA_BYTES = 1 << 24


class HostBenchError(WorkbenchError):
    """A tool is missing; the message says which and how to get it."""


@dataclass(frozen=True)
class Times:
    """Medians of what one inference takes here, both in the same run.

    Attributes:
        us: Ours.
        reference_us: The wheel's.
        ratio: Median of the rounds' ratios of ours to the wheel's.
        reference: Which build of TensorFlow Lite Micro that is.
    """

    us: float
    reference_us: float
    ratio: float
    reference: str


def _objects() -> list[Path]:
    """The core and the driver, compiled as the recorded figures of TFLM were."""
    folder = BUILD / "host" / "count"
    sources = [DRIVER, *sorted(CORE.glob("**/*.c"))]
    headers = max(path.stat().st_mtime for path in [*CORE.glob("**/*.h"), Path(__file__)])
    objects = []
    for source in sources:
        made = folder / "_".join(source.relative_to(FIRMWARE).with_suffix(".o").parts)
        objects.append(made)
        if made.exists() and made.stat().st_mtime > max(headers, source.stat().st_mtime):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        compiler = os.environ.get("CC", "cc")
        _run([compiler, *CFLAGS, "-I", str(CORE), "-c", "-o", str(made), str(source)])
    return objects


def _run(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        raise HostBenchError(f"{command[0]} was not found (Debian: apt-get install {command[0]})")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise HostBenchError(f"{command[0]}: {said[-1] if said else 'failed'}")
    return done.stdout + done.stderr


def text_bytes() -> int:
    """Returns the size of code and constants of the runtime with all operators, on this machine.

    Raises:
        HostBenchError: A tool is missing.
    """
    with locked(BUILD / "host" / "count.lock"):
        objects = [str(path) for path in _objects() if not path.stem.endswith(DRIVER.stem)]
    rows = (line.split() for line in _run(["size", *objects]).splitlines()[1:])
    return sum(int(row[0]) for row in rows)


def instructions(model: bytes) -> int:
    """Counts the instructions of one inference on this machine with valgrind.

    Raises:
        HostBenchError: A tool is missing, or the model cannot be run.
    """
    with locked(BUILD / "host" / "count.lock"):
        objects = _objects()
        program = BUILD / "host" / "count" / "model_count"
        if not program.exists() or any(
            path.stat().st_mtime > program.stat().st_mtime for path in objects
        ):
            _run([os.environ.get("CC", "cc"), "-o", str(program), *map(str, objects), "-lm"])
    with tempfile.TemporaryDirectory(prefix="glint-count-") as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        said = _run(
            [
                *("valgrind", "--tool=callgrind", "--toggle-collect=counted"),
                *("--callgrind-out-file=/dev/null", str(program), str(path)),
            ]
        )
    found = re.search(r"Collected : (\d+)", said)
    if found is None:
        raise HostBenchError(f"valgrind counted nothing: {said.strip().splitlines()[-1]}")
    return int(found[1])


def _timed(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def time_here(model: tflm.Model) -> float:
    """Measures the median time of an inference on this machine, in seconds."""
    count = max(1, round(ROUND_S / _timed(model.invoke, 3)))
    return statistics.median(_timed(model.invoke, count) for _ in range(ROUNDS))


def times(model: bytes) -> Times:
    """Times inferences of tflm and of the `tflite-micro` wheel alternately.

    Raises:
        HostBenchError: The wheel is missing or refuses the model.
        tflm.ModelError: tflm refuses it.
    """
    ours = tflm.Model(model)
    try:
        runtime: Any = importlib.import_module("tflite_micro").runtime
    except ImportError:
        raise HostBenchError(
            "tflite-micro is not installed: pip install --pre tflite-micro"
        ) from None
    try:
        reference = runtime.Interpreter.from_bytes(model, arena_size=REFERENCE_ARENA_BYTES)
    except RuntimeError as error:
        raise HostBenchError(f"TensorFlow Lite Micro refuses the model: {error}") from None
    counts = [max(1, round(ROUND_S / _timed(call, 3))) for call in (ours.invoke, reference.invoke)]
    rounds = [
        (_timed(ours.invoke, counts[0]), _timed(reference.invoke, counts[1])) for _ in range(ROUNDS)
    ]
    version = importlib.metadata.version("tflite-micro")
    return Times(
        us=statistics.median(mine for mine, _ in rounds) * 1e6,
        reference_us=statistics.median(theirs for _, theirs in rounds) * 1e6,
        ratio=statistics.median(mine / theirs for mine, theirs in rounds),
        reference=f"the tflite-micro wheel {version}, optimised reference kernels",
    )
