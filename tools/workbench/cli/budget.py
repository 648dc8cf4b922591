# SPDX-License-Identifier: Apache-2.0
"""`glint budget`: estimates battery life, the largest consumer, and what changes would help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import Mirror

if TYPE_CHECKING:
    from workbench.chips import budget as budgets
    from workbench.chips.figures import Span


def _span(span: Span, unit: str, digits: str = ".1f") -> str:
    low, high = (f"{end:{digits}}" for end in span)
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def _share(span: Span) -> str:
    low, high = (f"{100 * end:.3g}" for end in span)
    return f"{low} %" if low == high else f"{low} to {high} %"


def _room(taken: int, free: int | None) -> str:
    return f"{taken} bytes" + (f" of {free}" if free is not None else "")


def _show(made: budgets.Budget) -> None:
    from workbench.chips import catalog

    on = made.target
    if made.hours:
        print(f"hours   {_span(made.hours, 'h')} with {made.use.battery:g} mAh on {on.name}")
    else:
        print(
            f"hours   unknown: nobody was found to say what {on.name} takes ([energy], board.toml)"
        )
    print(f"load    {_share(made.load)} of the core")
    print(f"ram     {_room(made.ram_bytes, on.ram_bytes)} for models")
    print(f"flash   {_room(made.flash_bytes, on.flash_bytes)} for models")
    print(f"cost    {on.chip.price_class if on.chip else catalog.UNKNOWN}")
    if made.mean_ma:
        from rich.console import Console
        from rich.table import Table

        table = Table("what takes it", "mA, mean", "share, at most")
        for part, span in sorted(made.parts_ma.items(), key=lambda item: -sum(item[1])):
            share = span[1] / made.mean_ma[1] if made.mean_ma[1] else 0.0
            table.add_row(part, _span(span, "mA", ".2f"), f"{share:.0%}")
        Console().print(table)
        print(f"most    {made.dominant}")
    for text, hours in made.changes:
        print(f"change  {text}: {_span(hours, 'h')}")
    if made.not_counted:
        print(f"unknown {', '.join(made.not_counted)}: not counted, so the hours are at most these")
    for note in made.notes:
        print(f"note    {note}")


def budget(
    board: Annotated[str, typer.Option(help="A board, or a chip of `glint boards`.")] = "esp32s3",
    battery: Annotated[float, typer.Option(help="What the battery holds, mAh.")] = 300,
    wake: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Wake word that is listened for; may be repeated."),
    ] = None,
    vision: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model that looks through the camera.")
    ] = None,
    fps: Annotated[float, typer.Option(help="How often it looks, a second.")] = 0,
    photos: Annotated[float, typer.Option(help="Photos an hour.")] = 0,
    audio: Annotated[float, typer.Option(help="Streamed sound, minutes an hour.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the hours over --over (.svg, .png, .pdf).")
    ] = None,
    over: Annotated[
        str, typer.Option(help="What --plot varies; a wrong name lists what there is.")
    ] = "audio",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    mirror: Mirror = None,
) -> None:
    """Say how long glasses last that do this, with what uncertainty, and what to change."""
    from workbench.chips import budget as budgets
    from workbench.chips import pictures, target

    if plot:
        pictures.check(plot)
    on = target.target(board)
    looks = fps or (1.0 if vision else 0.0)
    use = budgets.Use(battery, tuple(wake or ()), vision, looks, photos, audio)
    made = budgets.budget(on, use, mirror)
    curve = budgets.over(on, use, over, mirror) if plot else None
    if as_json:
        print(json.dumps(made.as_json()))
    else:
        _show(made)
    if plot and curve:
        unit, _ = budgets.PARAMETERS[over]
        pictures.hours(plot, f"{on.name}, {use.battery:g} mAh", f"{over}, {unit}", *curve)


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(budget)
