# SPDX-License-Identifier: Apache-2.0
"""What a companion goes through with its glasses, a step at a time, on whichever stack."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from workbench.bluez.guest import Done
from workbench.bluez.sides import NAME, POLL_S, Glasses, Listener, Side
from workbench.bluez.system import GuestError

PRESSES = 5
# Emulated without KVM, on a busy machine, a companion takes half a minute to come up.
PATIENCE_S = 120.0
PRESS_AGAIN_S = 3.0


@dataclass(frozen=True)
class Result:
    """How a step went.

    Attributes:
        well: It did what it should.
        note: What there is to say: what came, what was lost, or what the companion said.
        took_s: How long it took, starting the companion included.
    """

    well: bool
    note: str
    took_s: float = 0.0

    def __str__(self) -> str:
        return f"{'ok' if self.well else 'FAILED'}: {self.note}"


@dataclass(frozen=True)
class Meeting:
    """A companion's machine and the glasses that it meets.

    Attributes:
        side: The machine.
        glasses: The glasses.
        version: Of the update that lies in the side's folder.
    """

    side: Side
    glasses: Glasses
    version: str


def _object(done: Done) -> dict[str, Any]:
    """The object that a command printed with --json, or nothing."""
    lines = [line for line in done.out.splitlines() if line.startswith("{")]
    return dict(json.loads(lines[-1])) if done.rc == 0 and lines else {}


def _last(done: Done) -> str:
    return f"{done.last or 'nothing said'} (status {done.rc})"


async def _heard(
    listener: Listener,
    enough: Callable[[list[dict[str, Any]]], bool],
    patience_s: float = PATIENCE_S,
) -> list[dict[str, Any]]:
    """The events that came until there were enough, or until patience ended."""
    events: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(patience_s):
            while not enough(events := await listener.lines()):  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        pass
    return events


def _presses(events: list[dict[str, Any]]) -> int:
    return sum(event["type"] == "button" and event.get("pressed", False) for event in events)


async def _listening(meeting: Meeting) -> Listener:
    """A companion that has begun to listen: it tells that the button was pressed."""
    listener = await meeting.side.listen()
    deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
    while not _presses(await _heard(listener, lambda events: _presses(events) > 0, PRESS_AGAIN_S)):
        if asyncio.get_running_loop().time() > deadline_s:
            ended = await listener.end("KILL")
            raise GuestError(f"the companion heard nothing; it said: {ended.last}")
        await meeting.glasses.press()
    await asyncio.sleep(PRESS_AGAIN_S)  # for what else was pressed
    return listener


async def scan(meeting: Meeting) -> Result:
    """The glasses are heard."""
    done = await meeting.side.glint("scan", "--seconds", "5", "--json")
    return Result(_object(done).get("name") == NAME, _last(done))


async def info(meeting: Meeting) -> Result:
    """The companion gets in: at first by pairing, then by the bond."""
    done = await meeting.side.glint("info", "--json")
    facts = _object(done)
    note = f"{facts['name']} at {facts['address']}" if facts else _last(done)
    return Result(bool(facts), note)


async def listen(meeting: Meeting) -> Result:
    """Every event arrives, and SIGTERM ends the companion as it should."""
    listener = await _listening(meeting)
    before = _presses(await listener.lines())
    await meeting.glasses.press(PRESSES)
    events = await _heard(listener, lambda events: _presses(events) >= before + PRESSES)
    ended = await listener.end("TERM")
    came = _presses(events) - before
    numbers = [event["seq"] for event in events if "seq" in event]
    gaps = sum(after - one - 1 for one, after in itertools.pairwise(numbers))
    lost = f"{PRESSES - came} of {PRESSES} presses lost, {gaps} records missing"
    well = came == PRESSES and not gaps and ended.rc in (143, -15)
    return Result(well, f"{lost}; SIGTERM: status {ended.rc}")


async def photo(meeting: Meeting) -> Result:
    """A photo arrives whole."""
    done = await meeting.side.glint("photo", "-o", "/tmp/glint.jpg", "--json")
    facts = _object(done)
    note = f"{facts['bytes']} bytes in {facts['took_s']} s" if facts else _last(done)
    return Result(bool(facts), note)


async def record(meeting: Meeting) -> Result:
    """A recording arrives whole."""
    wanted_s = 2.0
    done = await meeting.side.glint(
        "record", "-o", "/tmp/glint.wav", "--seconds", str(wanted_s), "--json"
    )
    facts = _object(done)
    note = f"{facts['seconds']:.2f} s" if facts else _last(done)
    return Result(bool(facts) and facts["seconds"] >= wanted_s - 0.1, note)


def _killed(signal: str) -> Callable[[Meeting], Awaitable[Result]]:
    async def killed(meeting: Meeting) -> Result:
        """A companion that is killed leaves nothing that the next one stumbles over."""
        listener = await _listening(meeting)
        await listener.end(signal)
        result = await info(meeting)
        return Result(result.well, f"the next one: {result.note}")

    return killed


async def glasses_killed(meeting: Meeting) -> Result:
    """A companion that listens goes on with glasses that lost their power."""
    listener = await _listening(meeting)
    before = len(await listener.lines())
    await meeting.glasses.kill()
    await meeting.glasses.start()

    def started(events: list[dict[str, Any]]) -> bool:
        return any(event["type"] == "boot" for event in events[before:])

    again = started(await _heard(listener, started))
    done = await listener.end("TERM")
    return Result(again, "it heard them start again" if again else _last(done))


async def companion_forgets(meeting: Meeting) -> Result:
    """Without its bond a companion is told of the button, and gets in with it."""
    await meeting.side.forget()
    refused = await meeting.side.glint("info")
    await meeting.glasses.let_pair()
    result = await info(meeting)
    told = refused.rc == 1 and "button" in refused.out
    return Result(told and result.well, f"said: {refused.last} Then: {result.note}")


async def glasses_forget(meeting: Meeting) -> Result:
    """Glasses that lost their bonds let the companion in again while the window is open."""
    await meeting.glasses.stop()
    meeting.glasses.forget()
    await meeting.glasses.start()
    await meeting.glasses.let_pair()
    result = await info(meeting)
    return Result(result.well, result.note)


async def update(meeting: Meeting) -> Result:
    """An update arrives, is tried and confirmed."""
    done = await meeting.side.glint("update", f"{meeting.side.folder}/update.img", "--json")
    facts = _object(done)
    note = (
        f"{facts['before']} to {facts['version']} in {done.took_s:.0f} s" if facts else _last(done)
    )
    return Result(facts.get("version") == meeting.version, note)


STEPS: dict[str, Callable[[Meeting], Awaitable[Result]]] = {
    "scan": scan,
    "pair": info,
    "info": info,
    "listen": listen,
    "photo": photo,
    "record": record,
    "companion killed": _killed("KILL"),
    "companion hung up on": _killed("HUP"),
    "glasses killed": glasses_killed,
    "companion forgets": companion_forgets,
    "glasses forget": glasses_forget,
    "update": update,
}
