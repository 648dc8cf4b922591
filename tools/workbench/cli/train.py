# SPDX-License-Identifier: Apache-2.0
"""`glint train`: trains models of one's own."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Train models of your own.", no_args_is_help=True)

Tell = Callable[[str, int, int], None]
# Without a terminal, a line for each tenth of a step.
LINES = 10


def _left(began: float, done: int, total: int) -> str:
    left_s = (time.monotonic() - began) / done * (total - done)
    return f"{left_s / 60:.0f} min left" if left_s >= 90 else f"{left_s:.0f} s left"


@contextlib.contextmanager
def _progress() -> Iterator[Tell]:
    """Shows how far each step is and how long it will take, as a bar or in lines."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    began: dict[str, float] = {}
    if not console.is_terminal:
        said: dict[str, int] = {}

        def in_lines(step: str, done: int, total: int) -> None:
            began.setdefault(step, time.monotonic())
            tenth = done * LINES // total
            if tenth > said.get(step, 0) or done == 0:
                said[step] = tenth
                left = f", {_left(began[step], done, total)}" if 0 < done < total else ""
                print(f"{step}: {done} of {total}{left}", file=sys.stderr, flush=True)

        yield in_lines
        return
    with Progress(console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def in_bars(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done)

        yield in_bars


@app.callback()
def _train() -> None:
    """Train models of your own."""


@app.command("wake")
def wake_word(
    phrase: Annotated[str, typer.Argument(help='The words to listen for, such as "hey glint".')],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the model goes.")
    ],
    language: Annotated[
        str, typer.Option(help="Of the voices that speak it, such as en, de or cmn.")
    ] = "en",
    negatives: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Recordings of people who say anything else: they set the cutoff, and half of "
            "them are trained on. An hour or more is best.",
        ),
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Recordings of the phrase, beside synthetic ones."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="How long it may take on two cores.")
    ] = 50.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives another model.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Train a wake word model from text: synthetic voices speak the phrase and what is not it.

    DIR holds a .tflite with its manifest, a card and a report. Stopped, the same command goes on
    where it was.
    """
    from workbench.train import recipe

    request = recipe.Request(phrase, output, language, minutes, seed, negatives, real)
    try:
        with _progress() as tell:
            done = recipe.train(request, tell)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        raise
    if as_json:
        print(json.dumps({**done.report, "model": str(done.model)}))
        return
    calibration, synthetic = done.report["calibration"], done.report["synthetic"]
    whose = "people" if calibration["people"] else "synthetic voices"
    print(f"model   {done.model}")
    print(f"cutoff  {calibration['cutoff']:g}, from {calibration['hours']:.2f} h of {whose}")
    print(f"missed  {synthetic['miss_rate']:.1%} of {synthetic['positives']} synthetic phrases")
    print(f"card    {done.model.with_name('README.md')}")
