# SPDX-License-Identifier: Apache-2.0
"""`glint wake`: what a wake word model makes of sound files, by the firmware's own detector."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from workbench import build, sound, zoo
from workbench.errors import WorkbenchError
from workbench.paths import FIRMWARE, ROOT

app = typer.Typer(help="Wake word models.", no_args_is_help=True)

SCRIPT = ROOT / "tools" / "workbench" / "onboard" / "wake_test.py"


class WakeError(WorkbenchError):
    """A wake word model or its manifest cannot be used."""


@dataclass(frozen=True)
class Heard:
    """What a detector made of one sound.

    Attributes:
        max_probability: Highest mean over the model's sliding window, 0 to 1.
        detections: Times (s) at which the word began to be heard.
        trace: The mean after each inference.
    """

    max_probability: float
    detections: list[float]
    trace: list[float]


def _place(model: str, folder: Path, mirror: Path | None) -> str:
    """Puts a model and its manifest into `folder` under one name, which is returned."""
    path = zoo.find(model, mirror)
    beside = path.with_suffix(".json")
    name = Path(model).stem
    shutil.copyfile(path, folder / f"{name}.tflite")
    if Path(model).exists():
        if not beside.exists():
            raise WakeError(f"{path}: no manifest {beside.name} beside it")
        shutil.copyfile(beside, folder / f"{name}.json")
    else:
        (folder / f"{name}.json").write_text(json.dumps(zoo.manifest(model)))
    return name


def listen(
    model: str, sounds: Iterable[sound.Samples], *, mirror: Path | None = None
) -> list[Heard]:
    """Runs the firmware's detector on the linux board, as fast as it goes.

    Args:
        model: Path of a .tflite with its .json beside it, or a name from the zoo.
        sounds: 16 kHz mono int16 samples; the detector starts afresh for each.
        mirror: Folder to look for models in.

    Raises:
        WakeError: The board refused the model, with its reason.
        zoo.ZooError: The model cannot be had.
        build.BuildError: The board's image cannot be built.
    """
    program = build.ensure("linux")
    fed = b"".join(struct.pack("<I", len(s) * 2) + s.astype("<i2").tobytes() for s in sounds)
    with tempfile.TemporaryDirectory(prefix="glint-wake-") as folder:
        name = _place(model, Path(folder), mirror)
        done = subprocess.run(
            [program, SCRIPT, folder, name],
            input=fed,
            capture_output=True,
            check=False,
            env={"MICROPYPATH": f"{FIRMWARE}:.frozen"},
        )
    if done.returncode:
        words = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
        raise WakeError(f"{model}: {words[-1] if words else 'the board said nothing'}")
    return [Heard(**json.loads(line)) for line in done.stdout.splitlines()]


@app.command("test")
def test_files(
    model: Annotated[str, typer.Argument(help="Path of a .tflite (manifest beside it) or a name.")],
    files: Annotated[list[Path], typer.Argument(help="Sound files; resampled to 16 kHz mono.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
    mirror: Annotated[Path | None, typer.Option(help="Folder that holds model files.")] = None,
) -> None:
    """Runs sound files through a wake word model: highest probability, and when it was heard."""
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
