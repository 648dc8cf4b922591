# SPDX-License-Identifier: Apache-2.0
"""`glint energy`: shows the glasses' energy ledger, and compares it with a bench current meter."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from glint.cli.options import Hci, Json, Timeout, Wanted, connect, run_to_end

from workbench.chips import pictures
from workbench.energy import compare, meter

if TYPE_CHECKING:
    from glint.client import Glasses  # imports Bluetooth, which --csv does not need

app = typer.Typer(
    no_args_is_help=True, help="The glasses' energy ledger, and a current meter beside it."
)


async def _read(glasses: Glasses) -> compare.Reading:
    return compare.reading(await glasses.status(), await glasses.energy())


def _times(states_s: dict[str, float]) -> str:
    return ", ".join(f"{state} {seconds:.1f} s" for state, seconds in states_s.items() if seconds)


def _states_s(reading: compare.Reading) -> dict[str, float]:
    return {state: reading.counts[f"{state}_ms"] / 1000 for state in compare.STATES}


@app.command()
def show(
    plot: Annotated[
        Path | None, typer.Option(help="Draw the time in each state (.svg, .png, .pdf).")
    ] = None,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Say how long the glasses were in each state since boot, what they did and what it took."""
    if plot:
        pictures.check(plot)

    async def run() -> compare.Reading:
        async with connect(glasses, hci, timeout) as connected:
            return await _read(connected)

    reading = run_to_end(run())
    used = reading.used_uah
    took = f"{used[0] / 1000:.2f} to {used[1] / 1000:.2f} mAh" if used else "unknown to their board"
    if as_json:
        print(json.dumps(reading.as_json()))
    else:
        print(f"used               {took}")
        for name, value in reading.counts.items():
            print(f"{name:18} {value}")
    if plot:
        pictures.states(plot, f"{took} in {reading.uptime_ms / 60_000:.1f} min", _states_s(reading))


@app.command()
def record(
    serial: Annotated[
        str | None, typer.Option(metavar="PORT", help="A PPK2 on this port, that measures now.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What a meter recorded: columns such as Timestamp(ms)."),
    ] = None,
    before: Annotated[
        Path | None,
        typer.Option(help="With --csv: glint energy show --json when the record began."),
    ] = None,
    after: Annotated[
        Path | None, typer.Option(help="With --csv: the same when the record ended.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="With --serial: how long.")] = 60,
    millivolts: Annotated[
        int, typer.Option(help="With --serial: the supply's voltage, 800 to 5000.")
    ] = 3800,
    supply: Annotated[
        bool, typer.Option("--supply", help="With --serial: let the PPK2 give the supply.")
    ] = False,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Read a current meter beside the ledger, and say how far they differ."""
    if (serial is None) == (csv is None):
        raise typer.BadParameter("give one of --serial PORT and --csv FILE")
    if csv is not None:
        if before is None or after is None:
            raise typer.BadParameter("--csv takes the ledger --before and --after it, too")
        measured = meter.from_csv(csv)
        made = compare.compare(measured, compare.load(before), compare.load(after))
    else:
        assert serial is not None
        from rich.console import Console
        from rich.progress import Progress

        ppk2 = meter.Ppk2(serial, millivolts, supply=supply)

        async def run() -> compare.Comparison:
            async with connect(glasses, hci, timeout) as connected:
                first = await _read(connected)
                quiet = as_json or not sys.stderr.isatty()
                with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bars:
                    bar = bars.add_task("measuring", total=seconds)
                    measured = await asyncio.to_thread(
                        ppk2.measure, seconds, lambda passed: bars.update(bar, completed=passed)
                    )
                return compare.compare(measured, first, await _read(connected))

        try:
            made = run_to_end(run())
        finally:
            ppk2.close()
    if as_json:
        print(json.dumps(made.as_json()))
    else:
        _say(made)


def _say(made: compare.Comparison) -> None:
    saw = made.measured
    print(
        f"meter    {saw.charge_uah / 1000:.3f} mAh in {saw.seconds:.1f} s: {saw.mean_ma:.2f} mA, "
        f"{saw.samples} samples"
    )
    if saw.lost > 0.02:
        print(
            f"note     {saw.lost:.0%} of the meter's samples did not arrive: this machine is busy"
        )
    print(f"states   {_times(made.states_s)}")
    if made.ledger_uah is None or made.apart is None:
        print("ledger   unknown: the board says nothing of its currents (boards/README.md)")
        return
    least, most = (uah / 1000 for uah in made.ledger_uah)
    print(f"ledger   {least:.3f} to {most:.3f} mAh")
    if made.apart:
        side = "more" if saw.charge_uah > made.ledger_uah[1] else "less"
        print(f"differ   {made.apart:.1%}: the meter saw {side} than the ledger says is possible")
    else:
        print("differ   not: the meter lies within what the ledger says")
