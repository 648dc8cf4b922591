# SPDX-License-Identifier: Apache-2.0
"""`glint wake`: runs sound files through a wake word model, with the firmware's own detector."""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.emulation import sound

app = typer.Typer(help="Run sound through wake word models.", no_args_is_help=True)


@dataclass(frozen=True)
class Heard:
    """A detector's result for one sound.

    Attributes:
        max_probability: Highest mean over the model's sliding window, 0 to 1.
        detections: Times (s) at which the word began to be heard.
        trace: The mean after each inference.
    """

    max_probability: float
    detections: list[float]
    trace: list[float]


def listen(
    model: str, sounds: Iterable[sound.Samples], *, mirror: Path | None = None
) -> list[Heard]:
    """Runs the firmware's detector on the linux board, as fast as it goes.

    Args:
        model: Path of a .tflite with its .json beside it, or a name from the zoo.
        sounds: 16 kHz mono int16 samples; the detector starts afresh for each.
        mirror: Folder to look for models in.

    Raises:
        RunError: The board refused the model, with its reason.
        zoo.ZooError: The model cannot be obtained.
        build.BuildError: The board's image cannot be built.
    """
    from workbench.build import zoo
    from workbench.runners.linux import Linux
    from workbench.runners.runner import CHECKS

    fed = b"".join(struct.pack("<I", len(s) * 2) + s.astype("<i2").tobytes() for s in sounds)
    with tempfile.TemporaryDirectory(prefix="glint-wake-") as folder:
        name = zoo.place(model, Path(folder), mirror)
        printed = Linux().run(CHECKS / "wake_test.py", folder, name, stdin=fed)
    return [Heard(**json.loads(line)) for line in printed.splitlines()]


@app.command("test")
def test_files(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A .tflite with its manifest beside it, or a name of the zoo."
        ),
    ],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Sound files; resampled to 16 kHz mono.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
    mirror: Annotated[
        Path | None,
        typer.Option(
            envvar="GLINT_MIRROR", help="Folder to take model files from, without internet."
        ),
    ] = None,
) -> None:
    """Run sound files through a wake word model: highest probability, and when it was heard."""
    from rich.console import Console
    from rich.table import Table

    from workbench.emulation import sound

    heard = listen(model, [sound.load(path) for path in files], mirror=mirror)
    if as_json:
        for path, result in zip(files, heard, strict=True):
            row = {
                "file": str(path),
                "max_probability": round(result.max_probability, 4),
                "detections": result.detections,
            }
            print(json.dumps(row))
        return
    table = Table("file", "highest", "heard at")
    for path, result in zip(files, heard, strict=True):
        times = ", ".join(f"{seconds:.2f} s" for seconds in result.detections)
        table.add_row(str(path), f"{result.max_probability:.2f}", times or "-")
    Console().print(table)
