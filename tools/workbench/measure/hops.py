# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of a hop of sound, with asyncio, on each board: part of `make bench`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.table import Table

from workbench.build import sources, zoo
from workbench.emulation import sound
from workbench.models import xtensacount
from workbench.paths import FIRMWARE
from workbench.runners import xtensa
from workbench.runners.boards import COUNTING
from workbench.runners.cortexm import INSTRUCTION_NS, CortexM
from workbench.runners.runner import CHECKS
from workbench.system import say_step

HOPS = 400
SCRIPT = CHECKS / "hops.py"
# Targets with one word. The Xtensa core takes more as long as its front-end is plain C.
BOUNDS = {"corstone300": 26_000, "xtensa": 60_000}
# The counts with byte code at every hop, measured the same way at bdb5136 with one word.
BEFORE = {"corstone300": 68_501, "mps2_an386": 108_617}


def heard() -> bytes:
    """Makes speech with a wake word, and noise, as int16 samples."""
    said = sound.mix(sound.speech("okay nabu, what do I see"), sound.noise(3, 100))
    return said.astype("<i2").tobytes()


def files(words: Sequence[str]) -> dict[str, bytes]:
    """Returns the files of the perception loop and the models, for an image that has neither."""
    package = FIRMWARE / "glasses"
    sources_ = [package / "__init__.py", *package.glob("perception/*.py")]
    given = {str(path.relative_to(FIRMWARE)): path.read_bytes() for path in sources_}
    for word in words:
        given[f"{word}.tflite"] = zoo.find(word).read_bytes()
        given[f"{word}.json"] = json.dumps(zoo.manifest(word)).encode()
    return given


def count(board: str, words: Sequence[str]) -> int:
    """Counts the instructions of a hop with asyncio, which runs every four hops.

    Args:
        board: One of COUNTING, or "xtensa".
        words: Names of wake word models.

    Raises:
        RunError: The board refused, with its reason.
        WorkbenchError: It cannot be built or emulated, or a model cannot be obtained.
    """
    given = files(words)
    if board == "xtensa":
        asyncio = sources.micropython(say_step) / "extmod" / "asyncio"
        given |= {f"asyncio/{path.name}": path.read_bytes() for path in asyncio.glob("*.py")}
        return sum(xtensacount.hop(SCRIPT, words, heard(), given).values())
    counting = CortexM(board, counting=True)
    arguments = ("/rom", "0", str(HOPS), *words)
    said = json.loads(counting.run(SCRIPT, *arguments, stdin=heard(), files=given))
    return round(int(said["run_us"]) * 1000 / INSTRUCTION_NS / HOPS)


def table(loads: Mapping[str, Sequence[str]]) -> tuple[Table, dict[str, dict[str, int]]]:
    """Makes a table with a row per board and the instructions of a hop under each load."""
    shown = Table("board", *loads, "before, one word", "wanted", title="instructions a hop")
    boards = [*COUNTING, *(() if xtensa.missing() else ("xtensa",))]
    counts = {
        board: {name: count(board, words) for name, words in loads.items()} for board in boards
    }
    for board, row in counts.items():
        beside = [BEFORE.get(board), BOUNDS.get(board)]
        shown.add_row(board, *(f"{n:,}" if n else "" for n in [*row.values(), *beside]))
    return shown, counts
