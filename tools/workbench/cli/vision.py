# SPDX-License-Identifier: Apache-2.0
"""`glint vision`: runs pictures through an image model, with the device's own C code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import Mirror

app = typer.Typer(help="Run pictures through image models.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Without it, a single command would stand for the group."""


@app.command("test")
def test_pictures(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A .tflite with its manifest beside it, or a name of the zoo."
        ),
    ],
    files: Annotated[
        list[Path],
        typer.Argument(metavar="PICTURE...", help="Their middle is looked at."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a picture.")] = False,
    mirror: Mirror = None,
) -> None:
    """Say what an image classifier sees in pictures, and how probable each label is.

    Pictures that cannot be read are named and skipped; the exit status is then 1.
    """
    from rich.console import Console
    from rich.table import Table

    from workbench.models import vision

    done = list(vision.look(model, files, mirror=mirror))
    table = Table("picture", "label", "probability")
    for one in done:
        if not one.scores:
            continue
        label, p = next(iter(one.scores.items()))
        if as_json:
            scores = {name: round(share, 4) for name, share in one.scores.items()}
            row = {"file": str(one.path), "label": label, "p": round(p, 4), "scores": scores}
            print(json.dumps(row))
        table.add_row(str(one.path), label, f"{p:.2f}")
    if table.row_count and not as_json:
        Console().print(table)
    skipped = [one for one in done if not one.scores]
    for one in skipped:
        print(f"glint: skipped: {one.path}: {one.reason}", file=sys.stderr)
    if skipped:
        raise typer.Exit(1)
