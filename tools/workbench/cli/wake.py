# SPDX-License-Identifier: Apache-2.0
"""`glint wake`: runs sound files through a wake word model, with the firmware's own detector."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import Mirror

if TYPE_CHECKING:
    from workbench.models import wake

app = typer.Typer(help="Run sound through wake word models.", no_args_is_help=True)

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A .tflite with its manifest beside it, or a name of the zoo."
    ),
]


def _skip(unreadable: Iterable[wake.Listened]) -> None:
    """Names files that cannot be read; ends the command with status 1 if there are any."""
    skipped = list(unreadable)
    for one in skipped:
        print(f"glint: skipped: {one.reason}", file=sys.stderr)
    if skipped:
        raise typer.Exit(1)


@app.command("test")
def test_files(
    model: ModelName,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Sound files; resampled to 16 kHz mono.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
    mirror: Mirror = None,
) -> None:
    """Run sound files through a wake word model: highest probability, and when it was heard.

    Files that cannot be read are named and skipped; the exit status is then 1.
    """
    from rich.console import Console
    from rich.table import Table

    from workbench.models import wake

    done = list(wake.listen_to_files(model, files, mirror=mirror))
    table = Table("file", "highest", "heard at")
    for one in done:
        if not one.heard:
            continue
        if as_json:
            row = {
                "file": str(one.path),
                "max_probability": round(one.heard.max_probability, 4),
                "detections": one.heard.detections,
            }
            print(json.dumps(row))
        times = ", ".join(f"{seconds:.2f} s" for seconds in one.heard.detections)
        table.add_row(str(one.path), f"{one.heard.max_probability:.2f}", times or "-")
    if table.row_count and not as_json:
        Console().print(table)
    _skip(one for one in done if not one.heard)


def _rounded(errors: wake.Errors) -> dict[str, float | None]:
    return {
        key: round(value, 4) if isinstance(value, float) else value
        for key, value in asdict(errors).items()
    }


def described(model: str, found: wake.Evaluation) -> dict[str, object]:
    """What `glint wake eval --json` prints."""
    return {
        "model": model,
        **_rounded(found.at_manifest),
        "positives": len(found.positives),
        "negatives": len(found.negatives),
        "hours": round(found.hours, 4),
        "missed_files": [str(path) for path in found.missed],
        "false_accept_files": [{"file": str(p), "at_s": at} for p, at in found.false_accepts],
        "unreadable": [{"file": str(o.path), "reason": o.reason} for o in found.unreadable],
        "det": [_rounded(point) for point in found.det],
    }


def _say(found: wake.Evaluation) -> None:
    at = found.at_manifest
    print(f"cutoff         {at.cutoff:g}, the manifest's")
    if at.miss_rate is not None:
        print(f"missed         {at.missed} of {len(found.positives)} ({at.miss_rate:.1%})")
    if at.false_accepts_per_hour is not None:
        print(
            f"false accepts  {at.false_accepts} in {found.hours:.2f} h "
            f"({at.false_accepts_per_hour:.2f} an hour)"
        )
    print("at other cutoffs:")
    for point in found.det[9::10]:
        rates = []
        if point.miss_rate is not None:
            rates.append(f"{point.miss_rate:6.1%} missed")
        if point.false_accepts_per_hour is not None:
            rates.append(f"{point.false_accepts_per_hour:8.2f} false accepts an hour")
        print(f"  {point.cutoff:.2f}  {'  '.join(rates)}")


@app.command("eval")
def evaluate_model(
    model: ModelName,
    positives: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder of recordings of the phrase; may be repeated."),
    ] = None,
    negatives: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder of any other recordings; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    mirror: Mirror = None,
) -> None:
    """Count a model's misses and false accepts in folders of recordings.

    It runs the device's own C code on all cores; half a second of silence follows each recording.
    Files that cannot be read are named and skipped; the exit status is then 1.
    """
    from rich.console import Console
    from rich.progress import Progress

    from workbench.models import wake

    if not positives and not negatives:
        raise typer.BadParameter("give --positives DIR, --negatives DIR or both")
    said = [path for folder in positives or () for path in wake.sounds_in(folder)]
    others = [path for folder in negatives or () for path in wake.sounds_in(folder)]
    quiet = not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bars:
        bar = bars.add_task("listening", total=len(said) + len(others))
        found = wake.evaluate(
            model, said, others, mirror=mirror, passed=lambda n: bars.update(bar, completed=n)
        )
    if as_json:
        print(json.dumps(described(model, found)))
    else:
        _say(found)
    _skip(found.unreadable)
