# SPDX-License-Identifier: Apache-2.0
"""Instruction counts of Glint's inferences and hops on the emulated boards, from counts.toml.

`python -m workbench.measure.counts` measures them again and writes the file.
"""

from __future__ import annotations

import datetime
import functools
import json
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from workbench.build import zoo
from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.models import benchmark
from workbench.paths import FIRMWARE
from workbench.runners.boards import COUNTING
from workbench.runners.runner import CHECKS

RECORDED = Path(__file__).with_name("counts.toml")
MODELS = (
    "okay_nabu",
    "hey_jarvis",
    "alexa",
    "hey_mycroft",
    "micro_speech_quantized",
    "kws_ref_model",
    "person_detect",
)
BOARDS = (*COUNTING, "xtensa")
HOPS = 200
HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# Instructions that Glint's own runtime and front-end took on the emulated boards, counted by QEMU.
# Written by `python -m workbench.measure.counts`; do not edit.
"""


@dataclass(frozen=True)
class Counted:
    """What one inference of a model takes.

    Attributes:
        file_bytes: The .tflite.
        arena_bytes: Working memory.
        macs: Multiply-accumulates.
        instructions: By board.
        source: Where the counts come from.
    """

    file_bytes: int
    arena_bytes: int
    macs: int
    instructions: dict[str, int]
    source: str


@functools.cache
def recorded() -> dict[str, Counted]:
    """Returns the recorded counts, by model."""
    tables = tomllib.loads(RECORDED.read_text())
    source = f"counted on {tables['recorded']} by QEMU"
    return {name: Counted(**row, source=source) for name, row in tables["model"].items()}


@functools.cache
def _tables() -> dict[str, dict[str, int]]:
    return tomllib.loads(RECORDED.read_text())


def hops() -> dict[str, int]:
    """Returns the instructions of a hop of 10 ms without any wake word, by board."""
    return _tables()["hop"]


def pushes() -> dict[str, int]:
    """Returns the instructions that each wake word adds to a hop, by board, without inferences."""
    return _tables()["push"]


def of(model: str, board: str, mirror: Path | None = None) -> Counted:
    """Returns what an inference of `model` takes on `board`: from the record, or counted now.

    Args:
        model: A name of the zoo, or a path of a .tflite.
        board: One of BOARDS.
        mirror: Folder to look for models in.

    Raises:
        WorkbenchError: There is no such model, or the board cannot be built, emulated or run it.
    """
    known = recorded().get(model)
    if known and board in known.instructions:
        return known
    content = zoo.find(model, mirror).read_bytes()
    measured = benchmark.bench(board, content)
    if measured.instructions is None:
        raise WorkbenchError(f"nothing counts instructions on {board}: {measured.not_counted}")
    counts = {board: measured.instructions}
    return Counted(
        len(content), measured.arena_bytes, measured.macs, counts, "counted just now by QEMU"
    )


def hop(board: str, word: str | None = None) -> int:
    """Counts the instructions of a hop of the perception loop, as the mean over HOPS of them.

    Args:
        board: One of COUNTING.
        word: A wake word to listen for; its inferences are included.

    Raises:
        WorkbenchError: The board cannot be built or emulated, or the word cannot be obtained.
    """
    from workbench.emulation import sound
    from workbench.runners.cortexm import INSTRUCTION_NS, CortexM

    heard = sound.mix(sound.speech("okay nabu, what do I see"), sound.noise(3, 100))
    fed = heard.astype("<i2").tobytes()[: 320 * HOPS]
    # Some boards do not have the application in their image.
    files = {
        path.relative_to(FIRMWARE).as_posix(): path.read_bytes()
        for path in (FIRMWARE / "glasses").rglob("*.py")
    }
    with tempfile.TemporaryDirectory(prefix="glint-hops-") as folder:
        names = [zoo.place(word, Path(folder))] if word else []
        files |= {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    said = CortexM(board, counting=True).run(
        CHECKS / "hops.py", "/rom", str(HOPS), "0", *names, stdin=fed, files=files
    )
    result = json.loads(said)
    return round(int(result["busy_us"]) * 1000 / INSTRUCTION_NS / int(result["hops"]))


def push(board: str, word: str) -> int:
    """Counts the instructions that a wake word adds to a hop, besides its inferences.

    Raises:
        WorkbenchError: As for `hop`.
    """
    content = zoo.find(word).read_bytes()
    inference = benchmark.bench(board, content).instructions or 0
    rows = tflm.tensors(content)[0].shape[1]
    return hop(board, word) - hop(board) - round(inference / rows)


def main() -> int:
    """Measures each model on each board, reports progress and writes the record."""
    from workbench.runners import xtensa

    if lacking := xtensa.missing():
        print(f"xtensa: {lacking}", file=sys.stderr)
        return 1
    lines = [HEAD, f"recorded = {datetime.date.today()}", "", "[hop]"]
    try:
        for board in COUNTING:
            print(f"a hop on {board}", file=sys.stderr)
            lines.append(f"{board} = {hop(board)}")
        lines += ["", "[push]"]
        for board in COUNTING:
            print(f"a hop with {MODELS[0]} on {board}", file=sys.stderr)
            lines.append(f"{board} = {push(board, MODELS[0])}")
        for name in MODELS:
            content = zoo.find(name).read_bytes()
            counts = {}
            for board in BOARDS:
                print(f"{name} on {board}", file=sys.stderr)
                counts[board] = benchmark.bench(board, content).instructions
            loaded = tflm.Model(content)
            lines += ["", f"[model.{name}]", f"file_bytes = {len(content)}"]
            lines += [f"arena_bytes = {loaded.arena_bytes}", f"macs = {loaded.macs}"]
            pairs = ", ".join(f"{board} = {count}" for board, count in counts.items())
            lines.append(f"instructions = {{ {pairs} }}")
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    with tempfile.NamedTemporaryFile("w", dir=RECORDED.parent, delete=False) as file:
        file.write("\n".join(lines) + "\n")
    Path(file.name).replace(RECORDED)
    RECORDED.chmod(0o644)
    return 0


if __name__ == "__main__":
    sys.exit(main())
