# SPDX-License-Identifier: Apache-2.0
"""The steps of the BlueZ comparison: pair, reconnect, listen, update and more, on either stack."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from workbench.bluez.guest import Done
from workbench.bluez.sides import NAME, POLL_S, Emulated, Glasses, Program, Side, glint
from workbench.bluez.system import GuestError

PRESSES = 5
# Emulated without KVM, on a busy machine, a companion takes half a minute to come up.
PATIENCE_S = 120.0
COMMAND_PATIENCE_S = 60.0
UPDATE_PATIENCE_S = 400.0
PRESS_AGAIN_S = 3.0
RECORD_S = 2.0
# Data bytes in one write at the smallest MTU that Bluetooth allows.
LEAST_WRITE_BYTES = 20
SIGNALS = {"TERM": (143, -15), "HUP": (129, -1), "KILL": (137, -9)}


@dataclass(frozen=True)
class Result:
    """How a step went.

    Attributes:
        well: Whether the step did what it should.
        note: A remark for the report: what arrived, what was lost, or the companion's message.
        figures: What was measured, by its name and unit.
        took_s: How long it took, starting the companion included.
    """

    well: bool
    note: str
    figures: dict[str, float] = field(default_factory=dict)
    took_s: float = 0.0

    def __str__(self) -> str:
        return f"{'ok' if self.well else 'FAILED'}: {self.note}"


@dataclass(frozen=True)
class Meeting:
    """A companion's machine and the glasses that it meets.

    Attributes:
        side: The machine.
        other: The machine of a second companion.
        glasses: The glasses.
        updates: Names in the side's folder and versions of two updates, the older one first.
    """

    side: Side
    other: Emulated
    glasses: Glasses
    updates: list[tuple[str, str]]

    async def glint(self, *arguments: str) -> Done:
        """Runs the side's command line, with a scan long enough for a slow guest."""
        patience = () if arguments[0] == "scan" else ("--timeout", str(COMMAND_PATIENCE_S))
        return await glint(self.side, *arguments, *patience)

    async def probe(self, *arguments: str) -> Program:
        """Starts probe.py on the side."""
        return await self.side.start(self.side.probe, *arguments)


def _objects(done: Done) -> list[dict[str, Any]]:
    """Returns the objects that a command printed with --json; none if it failed."""
    lines = [line for line in done.out.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in lines] if done.rc == 0 else []


def _object(done: Done) -> dict[str, Any]:
    return (_objects(done) or [{}])[-1]


def _last(done: Done) -> str:
    return f"{done.last or 'nothing said'} (status {done.rc})"


async def _printed(
    program: Program,
    enough: Callable[[list[dict[str, Any]]], bool],
    patience_s: float = PATIENCE_S,
) -> list[dict[str, Any]]:
    """Collects what a program prints until there is enough, or until the time is up."""
    said: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(patience_s):
            while not enough(said := await program.lines()):  # noqa: ASYNC110
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        pass
    return said


def _presses(events: list[dict[str, Any]]) -> int:
    return sum(event["type"] == "button" and event.get("pressed", False) for event in events)


async def _listening(side: Side, glasses: Glasses) -> Program:
    """Starts a companion that listens; it is ready once it has reported a press of the button."""
    listener = await side.start("-m", "glint", "listen", "--json", "--timeout", str(PATIENCE_S))
    deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
    while not _presses(await _printed(listener, lambda said: _presses(said) > 0, PRESS_AGAIN_S)):
        if asyncio.get_running_loop().time() > deadline_s:
            ended = await listener.end("KILL")
            raise GuestError(f"the companion heard nothing; it said: {ended.last}")
        await glasses.press()
    await asyncio.sleep(PRESS_AGAIN_S)  # lets earlier presses arrive
    return listener


async def _press(glasses: Glasses, listeners: list[Program]) -> list[int]:
    """Presses the button PRESSES times; returns how many of those each companion lost, and how
    many records are missing from what it heard."""
    before = [_presses(await listener.lines()) for listener in listeners]
    await glasses.press(PRESSES)
    lost = []
    for listener, count in zip(listeners, before, strict=True):
        wanted = count + PRESSES
        events = await _printed(listener, lambda said, wanted=wanted: _presses(said) >= wanted)  # type: ignore[misc]
        numbers = [event["seq"] for event in events if "seq" in event]
        gaps = sum(after - one - 1 for one, after in itertools.pairwise(numbers))
        lost += [wanted - _presses(events), gaps]
    return lost


async def scan(meeting: Meeting) -> Result:
    """A scan finds the glasses."""
    done = await meeting.glint("scan", "--seconds", "5", "--json")
    return Result(_object(done).get("name") == NAME, _last(done))


async def info(meeting: Meeting) -> Result:
    """The companion is accepted: by pairing the first time, by its bond after that."""
    done = await meeting.glint("info", "--json")
    facts = _object(done)
    note = f"{facts['name']} at {facts['address']}" if facts else _last(done)
    return Result(bool(facts), note)


async def reconnect(meeting: Meeting) -> Result:
    """A reconnection with a bond carries as many bytes in one write as the first connection."""
    done = await (await meeting.probe("connect", "3")).wait()
    each = _objects(done)
    if not each:
        return Result(False, _last(done))
    sizes = [one["write_bytes"] for one in each]
    seconds = [one["connect_s"] for one in each]
    note = f"{seconds} s; one write holds {sizes} bytes"
    figures = {"connecting, s": min(seconds), "bytes in one write": min(sizes)}
    return Result(min(sizes) > LEAST_WRITE_BYTES, note, figures)


async def listen(meeting: Meeting) -> Result:
    """Every event arrives, and SIGTERM ends the companion cleanly."""
    listener = await _listening(meeting.side, meeting.glasses)
    lost, gaps = await _press(meeting.glasses, [listener])
    ended = await listener.end("TERM")
    note = f"{lost} of {PRESSES} presses lost, {gaps} records missing; SIGTERM: {ended.rc}"
    well = not lost and not gaps and ended.rc in SIGNALS["TERM"]
    return Result(well, note, {"events lost": lost + gaps})


async def photo(meeting: Meeting) -> Result:
    """A photo arrives whole."""
    done = await meeting.glint("photo", "-o", "/tmp/glint.jpg", "--json")
    facts = _object(done)
    if not facts:
        return Result(False, _last(done))
    rate = facts["bytes"] / max(facts["took_s"], 0.01)
    note = f"{facts['bytes']} bytes in {facts['took_s']} s"
    return Result(True, note, {"photo, bytes/s": rate})


async def record(meeting: Meeting) -> Result:
    """A recording arrives whole."""
    seconds = "--seconds", str(RECORD_S)
    done = await meeting.glint("record", "-o", "/tmp/glint.wav", *seconds, "--json")
    facts = _object(done)
    if not facts:
        return Result(False, _last(done))
    missing_ms = round(1000 * max(RECORD_S - facts["seconds"], 0))
    note = f"{facts['seconds']:.2f} s"
    return Result(missing_ms < 100, note, {"sound lost, ms": missing_ms})


async def two_companions(meeting: Meeting) -> Result:
    """Two companions listen side by side; a photo that one takes costs the other no event."""
    listener = await _listening(meeting.side, meeting.glasses)
    await meeting.glasses.let_pair()
    first = _object(await glint(meeting.other, "info", "--json"))
    beside = await _listening(meeting.other, meeting.glasses)
    lost = await _press(meeting.glasses, [listener, beside])
    await beside.end("TERM")
    taken = _object(await glint(meeting.other, "photo", "-o", "/tmp/glint2.jpg", "--json"))
    lost += await _press(meeting.glasses, [listener])
    ended = await listener.end("TERM")
    note = f"{sum(lost)} of {3 * PRESSES} presses lost; the other's photo: {taken.get('bytes')}"
    well = bool(first and taken) and not sum(lost) and ended.rc in SIGNALS["TERM"]
    return Result(well, note, {"events lost, two companions": sum(lost)})


def _killed(signal: str) -> Callable[[Meeting], Awaitable[Result]]:
    async def killed(meeting: Meeting) -> Result:
        """A killed companion leaves nothing behind that disturbs the next one."""
        listener = await _listening(meeting.side, meeting.glasses)
        ended = await listener.end(signal)
        result = await info(meeting)
        well = result.well and ended.rc in SIGNALS[signal]
        return Result(well, f"status {ended.rc}; the next one: {result.note}")

    return killed


async def glasses_killed(meeting: Meeting) -> Result:
    """A listening companion recovers when the glasses lose power and start again."""
    listener = await _listening(meeting.side, meeting.glasses)
    before = len(await listener.lines())
    await meeting.glasses.kill()
    await meeting.glasses.start()

    def started(events: list[dict[str, Any]]) -> bool:
        return any(event["type"] == "boot" for event in events[before:])

    again = started(await _printed(listener, started))
    done = await listener.end("TERM")
    return Result(again, "it heard them start again" if again else _last(done))


def _told(done: Done) -> bool:
    """Whether it was said what is wrong and what to do. BlueZ does not tell glasses that turn the
    companion away from a link that the radio lost: there the companion says both."""
    why = "know this companion", "has forgotten this machine"
    said = any(words in done.out for words in why) and "hold their button" in done.out
    return done.rc == 1 and said


async def companion_forgets(meeting: Meeting) -> Result:
    """A companion that lost its bond is told to use the button, and can pair again with it."""
    await meeting.side.forget()
    refused = await meeting.glint("info")
    await meeting.glasses.let_pair()
    result = await info(meeting)
    return Result(_told(refused) and result.well, f"said: {refused.last} Then: {result.note}")


async def _remove(meeting: Meeting) -> str:
    """Has the other companion remove the side's bond; says why it could not."""
    done = await (await meeting.other.start(meeting.other.probe, "alone")).wait()
    return "" if _object(done).get("removed") else _last(done)


async def glasses_forget(meeting: Meeting) -> Result:
    """A companion whose bond was removed is told so, and pairs again once the window is open."""
    if why := await _remove(meeting):
        return Result(False, why)
    refused = await meeting.glint("info")
    await meeting.glasses.let_pair()
    result = await info(meeting)
    return Result(_told(refused) and result.well, f"said: {refused.last} Then: {result.note}")


async def glasses_forget_open(meeting: Meeting) -> Result:
    """If the pairing window is already open, such a companion renews its bond by itself."""
    if why := await _remove(meeting):
        return Result(False, why)
    await meeting.glasses.let_pair()
    result = await info(meeting)
    return Result(result.well, result.note)


async def glasses_new(meeting: Meeting) -> Result:
    """Glasses that lost all stored data accept the companion again."""
    await meeting.glasses.stop()
    meeting.glasses.forget()
    await meeting.glasses.start()
    result = await info(meeting)
    return Result(result.well, result.note)


def _came(said: list[dict[str, Any]]) -> int:
    return max((one["has"] for one in said if "has" in one), default=0)


async def update(meeting: Meeting) -> Result:
    """An update is transferred, tried and confirmed."""
    name, version = meeting.updates[0]
    done = await (await meeting.probe("update", f"{meeting.side.folder}/{name}")).wait()
    said = _objects(done)
    pieces = [one for one in said if "has" in one]
    if len(pieces) < 2:
        return Result(False, _last(done))
    first, last = pieces[0], pieces[-1]
    rate = (last["has"] - first["has"]) / max(last["after_s"] - first["after_s"], 0.01)
    note = f"{last['of']} bytes at {rate:.0f} bytes/s; {said[-1].get('version')} runs"
    well = said[-1].get("version") == version and last["has"] == last["of"]
    return Result(well, note, {"update, bytes/s": rate})


async def update_resumed(meeting: Meeting) -> Result:
    """An update resumes after the companion was killed, and again after the glasses were."""
    name, version = meeting.updates[1]
    command = "update", f"{meeting.side.folder}/{name}"
    first = await meeting.probe(*command)
    said = await _printed(
        first, lambda said: 3 * _came(said) > said[-1]["of"] if said else False, UPDATE_PATIENCE_S
    )
    stopped_at = _came(said)
    await first.end("KILL")
    second = await meeting.probe(*command)
    said = await _printed(
        second,
        lambda said: 3 * _came(said) > 2 * said[-1].get("of", 0) if said else False,
        UPDATE_PATIENCE_S,
    )
    went_on_at = said[0]["has"] if said else 0
    await meeting.glasses.kill()
    await meeting.glasses.start()
    done = await second.wait()
    facts = _object(done)
    if not facts:
        return Result(False, _last(done))
    note = (
        f"companion killed at {stopped_at}, went on at {went_on_at}; glasses killed, "
        f"{facts['links'] - 2} more links; {facts['version']} runs"
    )
    return Result(facts["version"] == version and went_on_at >= stopped_at, note)


STEPS: dict[str, Callable[[Meeting], Awaitable[Result]]] = {
    "scan": scan,
    "pair": info,
    "info": info,
    "connect again": reconnect,
    "listen": listen,
    "photo": photo,
    "record": record,
    "two companions": two_companions,
    "companion killed": _killed("KILL"),
    "companion terminated": _killed("TERM"),
    "companion hung up on": _killed("HUP"),
    "glasses killed": glasses_killed,
    "companion forgets": companion_forgets,
    "glasses forget": glasses_forget,
    "glasses forget, window open": glasses_forget_open,
    "glasses are new": glasses_new,
    "update": update,
    "update, interrupted": update_resumed,
}
