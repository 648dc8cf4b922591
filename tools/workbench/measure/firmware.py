# SPDX-License-Identifier: Apache-2.0
"""`make bench`: measures what the firmware takes, and prints tables and writes JSON."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from workbench.build import zoo
from workbench.emulation import sound
from workbench.emulation.sim import prepare_flash
from workbench.measure import commands, esp32s3, models, operators
from workbench.measure import hops as counting
from workbench.paths import BUILD
from workbench.runners import cortexm, xtensa
from workbench.runners.linux import Linux
from workbench.runners.runner import CHECKS

HOPS = 6000
WAKE_WORDS = ["okay_nabu", "hey_jarvis", "alexa", "hey_mycroft"]


def hops(words: list[str], count: int, heard: sound.Samples) -> dict[str, Any]:
    """Runs `Perception.hear` on the linux board until it has heard `count` hops.

    Args:
        words: Wake word models by name, all at once.
        count: Hops of 10 ms.
        heard: 16 kHz samples, played repeatedly.

    Returns:
        {"hops", "busy_us", "allocated_bytes", "share_of_real_time", "run_us"}.

    Raises:
        RunError: The board refused, with its reason.
    """
    with tempfile.TemporaryDirectory(prefix="glint-hops-") as folder:
        names = [zoo.place(word, Path(folder)) for word in words]
        fed = heard.astype("<i2").tobytes()
        printed = Linux().run(CHECKS / "hops.py", folder, str(count), "0", *names, stdin=fed)
    result: dict[str, Any] = json.loads(printed)
    return result


def image(board: str) -> cortexm.Image:
    """Measures a microcontroller board's image, with the application as `glint sim` sets it up.

    Raises:
        WorkbenchError: It cannot be built or emulated, or a model cannot be obtained.
    """
    config = {"words": ["okay_nabu"], "vision": "person_detect"}
    with tempfile.TemporaryDirectory(prefix="glint-image-") as folder:
        prepare_flash(Path(folder), config, None, lambda event, **fields: None)
        return cortexm.measure_image(board, Path(folder))


def main() -> None:
    """Measures, prints a table, and writes build/bench.json."""
    heard = sound.mix(sound.speech("okay nabu, what do I see"), sound.noise(3, 100))
    loads = {
        "front-end": [],
        "front-end, one wake word": WAKE_WORDS[:1],
        "front-end, four wake words": WAKE_WORDS,
    }
    rows = {name: hops(words, HOPS, heard) for name, words in loads.items()}
    table = Table(
        "perception loop", "us a hop", "share of real time", "allocated", title="linux board"
    )
    for name, row in rows.items():
        table.add_row(
            name,
            f"{row['busy_us'] / row['hops']:.1f}",
            f"{row['share_of_real_time']:.2%}",
            f"{row['allocated_bytes']} bytes",
        )
    console = Console()
    console.print(table)
    # A table written to a file is not cut to a terminal's width.
    wide = console if console.is_terminal else Console(width=120)
    table, counted = counting.table(loads)
    wide.print(table)
    compared = models.models()
    for table in models.tables(compared):
        wide.print(table)
    print("\n".join(models.notes(compared)))
    each: dict[str, dict[str, Any]] = {}
    drawn: dict[str, dict[str, Any]] = {}
    if lacking := operators.missing():
        print(f"operators and generated networks: {lacking}")
    else:
        each, drawn = operators.operators(), operators.networks()
        for table in operators.tables(each, drawn):
            wide.print(table)
    on_xtensa = esp32s3.models(list(compared))
    code = esp32s3.code_bytes(WAKE_WORDS)
    for table in esp32s3.tables(on_xtensa, code):
        wide.print(table)
    if lacking := xtensa.missing():
        print(f"xtensa: {lacking}")
    taken = image("corstone300")
    table = Table("corstone300 image", "bytes")
    for field in dataclasses.fields(taken):
        table.add_row(field.name.replace("_", " "), f"{getattr(taken, field.name)}")
    console.print(table)
    on_host = commands.measure()
    table = Table("command line", "s of processor time")
    for name, seconds in on_host.items():
        table.add_row(name, f"{seconds:.2f}")
    console.print(table)
    BUILD.mkdir(exist_ok=True)
    measured = {
        "perception": rows,
        "hop_instructions": counted,
        "models": compared,
        "operators": each,
        "networks": drawn,
        "recorded": models.recorded(),
        "xtensa": {"models": on_xtensa, "code_bytes": code},
        "image": dataclasses.asdict(taken),
        "commands_s": on_host,
    }
    (BUILD / "bench.json").write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
