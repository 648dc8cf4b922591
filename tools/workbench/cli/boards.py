# SPDX-License-Identifier: Apache-2.0
"""`glint boards`: lists chips for smart glasses, and compares how each would run a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import Mirror

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.chips import catalog as chips
    from workbench.chips import compare

WIDE = 160


def _console() -> Console:
    """Makes a console that does not cut a table to a terminal's width when written to a file."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _span(span: tuple[float, float] | None, decimals: int = 1) -> str:
    from workbench.chips.catalog import UNKNOWN

    if span is None:
        return UNKNOWN
    low, high = (f"{end:.{decimals}f}" for end in span)
    return low if low == high else f"{low} to {high}"


def _json(chip: chips.Chip, catalog: chips.Catalog) -> dict[str, object]:
    from workbench.chips import state

    figures = {
        name: figure
        and {
            "is": figure.value,
            "source": [
                {"title": catalog.sources[key].title, "url": catalog.sources[key].url}
                for key in figure.sources
            ],
        }
        for name, figure in chip.figures.items()
    }
    here = state.state(chip)
    return {
        "name": chip.name,
        "maker": chip.maker,
        "family": chip.family,
        "state": here.name,
        "state_by": here.by,
        "power_class": chip.power_class,
        "price_class": chip.price_class,
        "figures": figures,
        "note": chip.note,
    }


def _show(catalog: chips.Catalog) -> None:
    from rich.table import Table

    from workbench.chips import state

    table = Table("chip", "family", "core", "MHz", "NPU", "RAM, KB", "mA awake", "price")
    for column in ("in glasses as", "state here"):
        table.add_column(column)
    for chip in catalog.chips:
        clock, ram = chip.span("clock_mhz"), chip.span("ram_kb")
        cells = [f"{chip.maker} {chip.name}", chip.family, chip.text("core"), _span(clock, 0)]
        cells += [chip.text("npu"), _span(ram, 0), _span(chip.span("active_ma"))]
        table.add_row(*cells, chip.price_class, chip.text("serves"), str(state.state(chip)))
    _console().print(table)
    print(
        "price: $ below 2 USD, $$ below 10, $$$ below 40. emulated: a board here with the same "
        "core runs in\nthe tests, not the chip itself. Where figures were read: glint boards --json"
    )


def _compared(
    catalog: chips.Catalog, rows: list[compare.Row], model: str, battery: float, rate: float
) -> None:
    from rich.table import Table

    from workbench.chips.catalog import UNKNOWN

    title = f"{model}, {rate:g} inferences a second, {battery:g} mAh"
    table = Table("chip", "counted on", "instructions", "ms, at least", "load", title=title)
    for column in ("mean mA", "hours", "price"):
        table.add_column(column)
    for row in rows:
        if row.instructions is None:
            continue
        ms = f"{row.ms:.3f}" if row.ms is not None else UNKNOWN
        load = f"{row.load:.1%}" if row.load is not None else UNKNOWN
        cells = [row.chip.name, row.board, f"{row.instructions:,}", ms, load]
        table.add_row(*cells, _span(row.mean_ma, 2), _span(row.hours, 0), row.chip.price_class)
    _console().print(table)
    others = [row.chip.name for row in rows if row.instructions is None]
    print(
        "ms: one instruction a cycle, without the chip's NPU. hours: at most asleep between "
        "inferences, at least\nnever asleep; the core with its radio, without camera and microphone"
    )
    print(f"no emulated core here counts for: {', '.join(others)}")


def boards(
    model: Annotated[
        str | None,
        typer.Option(
            "--compare", metavar="MODEL", help="What is measured for a model, chip by chip."
        ),
    ] = None,
    battery: Annotated[float, typer.Option(help="Of the battery, mAh, for --compare.")] = 300,
    per_second: Annotated[
        float, typer.Option(help="Inferences a second, for --compare; a wake word's are 33.")
    ] = 1,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw --compare's triangles of compute, power and cost (.svg, .png)."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON array, with the source of each figure.")
    ] = False,
    mirror: Mirror = None,
) -> None:
    """Show the chips that are named for glasses, and how far Glint is on each."""
    from workbench.chips import catalog as chips
    from workbench.chips import compare, pictures

    catalog = chips.load()
    if model is None:
        if picture:
            raise typer.BadParameter("give --compare MODEL, too", param_hint="--picture")
        if as_json:
            print(json.dumps([_json(chip, catalog) for chip in catalog.chips]))
        else:
            _show(catalog)
        return
    if picture:
        pictures.check(picture)
    rows = compare.compare(
        catalog, model, battery_mah=battery, per_second=per_second, mirror=mirror
    )
    if as_json:
        print(json.dumps([row.as_json() for row in rows]))
    else:
        _compared(catalog, rows, model, battery, per_second)
    if picture:
        drawn = compare.draw(rows, model, picture)
        if not as_json:
            print(f"{picture}: {drawn} chips of which something is known")


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(boards)
