# SPDX-License-Identifier: Apache-2.0
"""`make bench-link`: what the link carries, and whether anything gets lost, as a table and JSON.

The firmware runs under MicroPython's unix port, and the companion meets it over the simulated
medium with its timing model. Time is that of the model: computing takes none of it
(emulation/virtual_time.py).
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import logging
import math
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import glint
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from workbench.build import micropython
from workbench.emulation.link_simulation import EVENT_BYTES, Simulation, Tally, simulated_link
from workbench.emulation.medium import Timing
from workbench.emulation.virtual_time import VirtualTimeLoop
from workbench.paths import BUILD

PACKET_ERROR_RATES = (0.0, 0.01, 0.05, 0.1)
# In the rows with disconnects the link is lost every this many seconds.
DROP_LEAST_S, DROP_MOST_S = 2.0, 4.0
DROPS_PACKET_ERROR_RATE = 0.01
PHOTO_BYTES = 20480
FILE_BYTES = 200_000
WIDTH = 140
PDU_HEADER_BYTES = 7  # of L2CAP and ATT
SOAK_EVENTS, SOAK_OBJECTS = 10_000, 1_000
SOAK_TIMING = Timing(15, phy=2, packet_error_rate=0.05, drop_notifications=0.01)
# Numbers of events in flight: as many as the journal keeps, and more.
JOURNAL_AHEAD = 200
SOAK_AHEAD = 400


@dataclasses.dataclass(frozen=True)
class Grant:
    """What a companion's operating system grants: MicroPython can ask for none of it."""

    name: str
    timing: Timing
    mtu: int


GRANTS = (
    Grant("2M, 15 ms, MTU 512", Timing(15, phy=2), 512),
    Grant("2M, 15 ms, MTU 247", Timing(15, phy=2), 247),
    Grant("1M, 15 ms, MTU 512", Timing(15, phy=1), 512),
    Grant("1M, 30 ms, MTU 512", Timing(30, phy=1), 512),
    Grant("1M, 50 ms, MTU 512", Timing(50, phy=1), 512),
    Grant("phone: 1M, 30 ms, MTU 185, no DLE", Timing(30, phy=1, ll_octets=27), 185),
)
AUDIO_S = 15.0
# Three at a time, so that one is in flight while the next is requested.
MEASURES: dict[str, Callable[[Simulation, glint.Glasses, int], Awaitable[Tally]]] = {
    "events": lambda simulation, glasses, times: simulation.events(glasses, 1000 * times),
    "audio": lambda simulation, glasses, times: simulation.recordings(glasses, 2 * times, AUDIO_S),
    "files": lambda simulation, glasses, times: simulation.files(glasses, 2 * times, FILE_BYTES),
    "photos": lambda simulation, glasses, times: simulation.photos(glasses, 24 * times, 3),
}
# With disconnects there is this much more data, so that some occur.
DROP_TIMES = 4


def run_on(
    timing: Timing, mtu: int, job: Callable[[Simulation, glint.Glasses], Awaitable[Any]]
) -> Any:
    """Runs a job with its own glasses and its own virtual clock."""

    async def run() -> Any:
        with tempfile.TemporaryDirectory(prefix="glint-link-") as folder:
            async with (
                simulated_link(timing, Path(folder), mtu) as simulation,
                glint.connect(hci=simulation.address, timeout_s=math.inf) as glasses,
            ):
                return await job(simulation, glasses)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(run())


def row(
    grant: Grant, timing: Timing, what: str, tally: Tally, disconnects: int | None
) -> dict[str, Any]:
    """Formats one measurement for the JSON file."""
    rate = tally.bytes / tally.seconds
    pdu_bytes = EVENT_BYTES + PDU_HEADER_BYTES if what == "events" else timing.ll_octets
    ceiling = timing.ceiling_bytes_per_s(pdu_bytes)
    with_errors = timing.ceiling_bytes_per_s(pdu_bytes, errors=True)
    if what == "events":  # small packets: a ceiling of their own
        rate *= pdu_bytes / EVENT_BYTES
    return {
        "link": grant.name,
        "packet_error_rate": timing.packet_error_rate,
        "disconnects": disconnects,
        "what": what,
        "bytes_per_s": round(rate),
        "per_s": round(tally.arrived / tally.seconds, 1),
        "ceiling_bytes_per_s": round(ceiling),
        "ceiling_with_errors_bytes_per_s": round(with_errors),
        "share": round(rate / ceiling, 4),
        "share_with_errors": round(rate / with_errors, 4),
        **dataclasses.asdict(tally),
        "undetected": tally.undetected,
    }


def goodput(grant: Grant, packet_error_rate: float, dropping: bool) -> Iterator[dict[str, Any]]:
    """Measures events, audio, files and photos on one link."""
    timing = dataclasses.replace(grant.timing, packet_error_rate=packet_error_rate)
    for what, measure in MEASURES.items():

        async def job(simulation: Simulation, glasses: glint.Glasses) -> tuple[Tally, int | None]:
            simulation.photo_bytes = PHOTO_BYTES
            await simulation.photos(glasses, 1, 1)  # from now on events are being sent
            if not dropping:
                return await measure(simulation, glasses, 1), None  # noqa: B023
            async with simulation.dropping(DROP_LEAST_S, DROP_MOST_S):
                tally = await measure(simulation, glasses, DROP_TIMES)  # noqa: B023
            return tally, simulation.disconnects

        yield row(grant, timing, what, *run_on(timing, grant.mtu, job))


def one_photo(grant: Grant) -> float:
    """Measures the seconds that a photo of PHOTO_BYTES takes to arrive, without the camera's."""

    async def job(simulation: Simulation, glasses: glint.Glasses) -> float:
        await simulation.photos(glasses, 1, 1)  # from now on events are being sent
        return (await simulation.photos(glasses, 1, 1)).seconds

    return float(run_on(grant.timing, grant.mtu, job))


def soak(events: int, objects: int, progress: Callable[[], None]) -> dict[str, Any]:
    """Sends events and objects while links drop, packets fail, and the OS drops notifications.

    Returns:
        Tallies by what was sent, and "disconnects".
    """

    async def job(simulation: Simulation, glasses: glint.Glasses) -> dict[str, Any]:
        result: dict[str, Any] = {}
        async with simulation.dropping(DROP_LEAST_S, DROP_MOST_S):
            result["events"] = await simulation.events(glasses, events, JOURNAL_AHEAD)
            result["events to overflow"] = await simulation.events(
                glasses, events // 10, SOAK_AHEAD
            )
            progress()
            simulation.photo_bytes = 5000
            result["photos"] = await simulation.photos(glasses, objects - objects // 4, 3)
            progress()
            result["recordings"] = await simulation.recordings(glasses, objects // 4, 1.0)
            progress()
        result["disconnects"] = simulation.disconnects
        return result

    found: dict[str, Any] = run_on(SOAK_TIMING, 512, job)
    return found


def table_of(rows: list[dict[str, Any]]) -> Table:
    """Makes the table of goodput, with a line for each link and packet error rate."""
    table = Table(
        *(
            "link",
            "packet errors",
            "events",
            "",
            "audio",
            "",
            "files",
            "",
            "photos",
            "",
            "with errors",
        ),
        title="simulated goodput as a share of the link's ceiling; time is the model's",
    )
    lines: dict[tuple[str, float, bool], dict[str, dict[str, Any]]] = {}
    for found in rows:
        key = found["link"], found["packet_error_rate"], found["disconnects"] is not None
        lines.setdefault(key, {})[found["what"]] = found
    shown = ""
    for (link, errors, dropping), found in lines.items():
        events, audio, files, photos = (found[what] for what in MEASURES)
        table.add_row(
            link if link != shown else "",
            f"{errors:.0%}" + (" and drops" if dropping else ""),
            f"{events['per_s']:.0f}/s",
            f"{events['share']:.1%}",
            f"{audio['bytes_per_s'] / 1000:.1f} kB/s",
            f"{audio['share']:.1%}",
            f"{files['bytes_per_s'] / 1000:.1f} kB/s",
            f"{files['share']:.1%}",
            f"{photos['bytes_per_s'] / 1000:.1f} kB/s",
            f"{photos['share']:.1%}",
            f"{photos['share_with_errors']:.1%}",
        )
        shown = link
    return table


def main() -> None:
    """Measures, prints the table, and writes build/bench-link.json."""
    parser = argparse.ArgumentParser(prog="make bench-link", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the soak, one link")
    parser.add_argument("--json", type=Path, default=BUILD / "bench-link.json", metavar="FILE")
    options = parser.parse_args()
    for name in ("glint", "smpclient"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # links are dropped on purpose
    micropython.ensure("linux")
    grants = GRANTS[:1] if options.quick else GRANTS
    share = 10 if options.quick else 1
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    rows: list[dict[str, Any]] = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("link", total=len(MEASURES) * 5 * len(grants) + len(grants) + 3)
        for grant in grants:
            cases = [(rate, False) for rate in PACKET_ERROR_RATES]
            for rate, dropping in [*cases, (DROPS_PACKET_ERROR_RATE, True)]:
                for found in goodput(grant, rate, dropping):
                    rows.append(found)
                    progress.advance(task)
        seconds = {}
        for grant in grants:
            seconds[grant.name] = one_photo(grant)
            progress.advance(task)
        soaked = soak(SOAK_EVENTS // share, SOAK_OBJECTS // share, lambda: progress.advance(task))
    console.print(table_of(rows))
    for name, taken in seconds.items():
        console.print(f"one photo of {PHOTO_BYTES} bytes, {name}: {taken * 1000:.0f} ms")
    disconnects = soaked.pop("disconnects")
    console.print(
        f"{disconnects} disconnects, {SOAK_TIMING.packet_error_rate:.0%} packet errors, "
        f"{SOAK_TIMING.drop_notifications:.0%} notifications dropped by the host:"
    )
    for what, tally in soaked.items():
        console.print(
            f"  {tally.sent} {what}: {tally.arrived} arrived, {tally.reported} reported lost, "
            f"{tally.undetected} lost undetected, {tally.wrong} wrong "
            + ", ".join(f"({count} {name})" for name, count in tally.reasons.items())
        )
    options.json.parent.mkdir(exist_ok=True)
    written = {
        "goodput": rows,
        "photo_s": seconds,
        "soak": {what: dataclasses.asdict(tally) for what, tally in soaked.items()},
        "disconnects": disconnects,
    }
    options.json.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
