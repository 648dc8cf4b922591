# SPDX-License-Identifier: Apache-2.0
"""`make bluez`: compares the companion on the real BlueZ with the one on the emulated backend.

Both run the same scenarios with emulated glasses on one simulated radio. It prints what each did
and what each lost; the exit status is 1 if the companion on BlueZ did worse than it should.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workbench.bluez import system
from workbench.bluez.guest import Guest, guest
from workbench.bluez.scenario import STEPS, Meeting, Result
from workbench.bluez.sides import BlueZ, Emulated, Glasses, Side
from workbench.device import update_image
from workbench.emulation.medium import Medium, serve
from workbench.errors import WorkbenchError
from workbench.system import say_step

# Address of the guest's adapter; BlueZ files its bonds under it.
ADAPTER = "C0:FF:EE:00:00:FF"
# How much of the BlueZ daemon's log is kept.
LOG_BYTES = 200_000
UPDATES = [("update.img", "0.9.0"), ("second.img", "0.9.1")]


def _images(folder: Path) -> None:
    payload = update_image.payload("linux", words=["okay_nabu"], vision="", mirror=None)
    for name, version in UPDATES:
        data = update_image.sign(
            payload,
            version=version,
            board="linux",
            key=update_image.DEVELOPMENT_KEY,
            counter=update_image.firmware_counter(),
        )
        (folder / name).write_bytes(data)


async def _meet(side: Side, hci: str, folder: Path, names: list[str]) -> dict[str, Result]:
    """Runs the steps with a new pair of glasses."""
    flash = folder / f"flash-{side.name}"
    shutil.rmtree(flash, ignore_errors=True)
    glasses = Glasses(hci, flash)
    await glasses.start()
    results = {}
    try:
        other = Emulated(hci, folder, f"{side.name}-other")
        meeting = Meeting(side, other, glasses, UPDATES)
        for name, step in STEPS.items():
            if names and name not in names:
                continue
            results[name] = await _result(step, meeting)
            say_step(f"{side.name}: {name}: {results[name]}")
    finally:
        await glasses.stop()
    return results


async def _result(step: Callable[[Meeting], Awaitable[Result]], meeting: Meeting) -> Result:
    began_s = time.monotonic()
    try:
        result = await step(meeting)
    except (WorkbenchError, TimeoutError, ValueError, KeyError) as error:
        result = Result(False, f"{type(error).__name__}: {error}")
    return dataclasses.replace(result, took_s=time.monotonic() - began_s)


def _figures(title: str, real: dict[str, Result], emulated: dict[str, Result]) -> Table:
    table = Table("", title, "emulated", title="What was measured")
    for step, result in real.items():
        for name, value in result.figures.items():
            other = emulated[step].figures.get(name) if step in emulated else None
            table.add_row(name, f"{value:.6g}", "" if other is None else f"{other:.6g}")
    return table


async def _say_faults(running: Guest) -> None:
    """Reports a fault in the guest's kernel: later results say nothing about the companion."""
    told = system.FOLDER / "dmesg.log"
    told.write_text((await running.run("dmesg")).out)
    said = (await running.run(f"tail -c {LOG_BYTES} /run/bluetoothd.log /run/starter.log")).out
    (system.FOLDER / "bluetoothd.log").write_text(said)
    if fault := (await running.run("dmesg | grep -m1 -E 'BUG:|corruption|Oops'")).last:
        say_step(f"the guest's kernel broke, see {told}: {fault}")


async def _stopped(running: Guest) -> Result:
    """The command line says plainly that BlueZ's daemon is not running."""
    await running.run("kill $(pidof bluetoothd); sleep 1")
    done = await running.python(["-m", "glint", "info"], "/run/stopped")
    return Result(
        done.rc == 1 and len(done.out.splitlines()) == 1 and "bluetooth service" in done.out,
        done.out.strip(),
    )


async def _run(kernel: str, names: list[str]) -> bool:
    began_s = time.monotonic()
    booted = system.ensure(kernel, say_step)
    files = system.FOLDER / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    _images(files)
    say_step(f"the guest's system is there ({time.monotonic() - began_s:.0f} s)")
    medium = Medium()
    capture = (system.FOLDER / "hci.btsnoop").open("wb", buffering=0)
    servers = [
        await serve(medium, "tcp:127.0.0.1:0"),
        await serve(medium, "tcp:127.0.0.1:0", capture=capture, public_address=ADAPTER),
    ]
    address = servers[0].address
    try:
        emulated = await _meet(Emulated(address, files), address, files, names)
        async with guest(booted, servers[1].address) as running:
            version = await running.run("bluetoothctl --version")
            title = (
                f"{version.out.strip().replace('bluetoothctl: ', 'BlueZ ')}, Linux {running.kernel}"
            )
            say_step(f"the guest is up ({time.monotonic() - began_s:.0f} s): {title}")
            real = await _meet(BlueZ(running), address, files, names)
            await _say_faults(running)
            if not names:
                real["bluetoothd stopped"] = await _stopped(running)
    finally:
        for server in servers:
            await server.close()
        capture.close()
    table = Table("", title, "s", "emulated", "s", title="The companion on the real BlueZ")
    for name, result in real.items():
        other = emulated.get(name, Result(True, ""))
        table.add_row(name, str(result), f"{result.took_s:.0f}", str(other), f"{other.took_s:.0f}")
    console = Console(width=160)
    console.print(table)
    console.print(_figures(title, real, emulated))
    print(f"{time.monotonic() - began_s:.0f} s in all")
    return all(result.well for result in real.values())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workbench.bluez", description=__doc__)
    parser.add_argument("--kernel", choices=system.KERNELS, default=system.KERNELS[0])
    parser.add_argument("steps", nargs="*", help=f"only these, of: {', '.join(STEPS)}")
    options = parser.parse_args()
    try:
        return 0 if asyncio.run(_run(options.kernel, options.steps)) else 1
    except WorkbenchError as error:
        print(f"bluez: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
