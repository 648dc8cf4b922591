# SPDX-License-Identifier: Apache-2.0
"""Tests the button and the light: opening the pairing window, erasing, and what the light shows."""

import asyncio
import contextlib
import json
import types

import pytest
from emulated_flash import Flash, PowerCut
from glasses import bonds, config, journal, protocol, wearer, window
from glasses.boot import slots
from glasses.privacy import BLINK, Privacy
from glint import events
from test_bonds import connect, with_bonds

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def clock(monkeypatch):
    ticks = types.SimpleNamespace(now=1000)
    fake = types.SimpleNamespace(
        ticks_ms=lambda: ticks.now, ticks_diff=lambda a, b: a - b, ticks_add=lambda a, b: a + b
    )

    async def sleep_ms(ms):
        ticks.now += ms
        await asyncio.sleep(0)

    for module in (wearer, journal):
        monkeypatch.setattr(module, "time", fake)
    monkeypatch.setattr(
        wearer, "asyncio", types.SimpleNamespace(Event=asyncio.Event, sleep_ms=sleep_ms)
    )
    return ticks


class Glasses:
    """A button and a light, and a record of what they did."""

    def __init__(self, clock):
        self.clock = clock
        self.levels = []  # (ms, the light's new state)
        self.window = window.Window()
        self.erased = 0
        light = types.SimpleNamespace(set=lambda on: self.levels.append((clock.now, on)))
        self.privacy = Privacy(light)
        self.wearer = wearer.Wearer(self.window, self.privacy, self._erase)

    def _erase(self):
        self.erased += 1

    async def wait(self, length_ms):
        """Lets time pass; returns how often the light blinked."""
        self.levels.clear()
        running = asyncio.create_task(self.wearer.run())
        until = self.clock.now + length_ms
        while self.clock.now < until:
            before = self.clock.now
            for _ in range(20):
                await asyncio.sleep(0)
                if self.clock.now != before:
                    break
            else:
                self.clock.now = until  # nothing to tell: it sleeps
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return [level for _, level in self.levels].count(BLINK)

    async def hold(self, length_ms):
        self.wearer.button(True, self.clock.now)
        blinks = await self.wait(length_ms)
        self.wearer.button(False, self.clock.now)
        return blinks


@pytest.fixture
def glasses(clock):
    return Glasses(clock)


async def test_a_short_press_does_nothing(glasses):
    assert await glasses.hold(protocol.LIMIT_PAIRING_HOLD_MS - 200) == 0
    assert not glasses.window.is_open
    assert not glasses.erased


async def test_held_for_two_seconds_it_opens_the_window_and_the_light_blinks(glasses):
    assert await glasses.hold(protocol.LIMIT_PAIRING_HOLD_MS + 2000) in (2, 3)  # once a second
    assert glasses.window.is_open
    assert await glasses.wait(10_000) in (10, 11)
    assert glasses.window.is_open
    await glasses.wait(protocol.LIMIT_PAIRING_WINDOW_MS - 10_000 + 200)
    assert not glasses.window.is_open
    assert glasses.levels[-1][1] == 0
    assert await glasses.wait(10_000) == 0
    assert not glasses.erased


async def test_held_for_ten_seconds_it_flickers_and_erases_when_it_is_let_go(glasses):
    await glasses.hold(protocol.LIMIT_ERASE_HOLD_MS - 200)
    assert not glasses.erased
    glasses.window.is_open = False
    glasses.wearer.button(True, glasses.clock.now)
    await glasses.wait(protocol.LIMIT_ERASE_HOLD_MS)
    assert not glasses.erased
    assert await glasses.wait(2000) >= 9  # five a second
    glasses.wearer.button(False, glasses.clock.now)
    assert glasses.erased == 1
    assert not glasses.window.is_open


async def test_the_privacy_light_goes_before(glasses):
    glasses.window.open()
    with glasses.privacy:
        assert await glasses.wait(5000) == 0
    assert await glasses.wait(5000) >= 4


FILES = {
    "/config.json": json.dumps({"name": "Before"}).encode(),
    "/update/state.json": b"{}",
    "/models/mine.tflite": b"mine",
}


def worn(manner, monkeypatch):
    """Glasses in use: with a bond, settings and an unread event."""
    flash = Flash(manner, FILES, ["/update", "/models"])
    flash.use(monkeypatch, bonds, journal, slots, config, wearer)
    with_bonds("/bonds.json", 1)
    kept = journal.Journal(journal.JournalFile("/journal.bin"))
    kept.append(protocol.EVENT_WAKE, {"word": "secret", "p": 0.5, "at_ms": 1})
    kept.save()
    return flash


def erase(flash, monkeypatch):
    flash.use(monkeypatch, bonds, journal, slots, config, wearer)
    monkeypatch.setattr(wearer, "reset", lambda: None)
    wearer.erase("")


def told(flash, monkeypatch):
    flash.use(monkeypatch, journal)
    kept = journal.Journal(journal.JournalFile("/journal.bin"))
    return [events.decode(kept.read(n)) for n in range(kept.first, kept.next)]


@pytest.mark.parametrize("manner", ["through", "synced"])
@pytest.mark.parametrize("free_bytes", [1 << 20, 0])
def test_erasing_leaves_new_glasses_and_a_note_of_it(manner, free_bytes, monkeypatch):
    flash = worn(manner, monkeypatch)
    flash.fill(free_bytes)
    erase(flash, monkeypatch)
    again = bonds.Bonds("/bonds.json")
    assert list(again) == []
    assert again.state == protocol.PAIRING_OPEN
    assert config.load("/config.json") == (config.DEFAULTS, [])
    assert flash.files["/models/mine.tflite"] == b"mine"
    (note,) = told(flash, monkeypatch)
    assert (note.about, note.text) == ("erased", "events, settings and bonds, by the button")


@pytest.mark.parametrize("manner", ["through", "synced"])
@pytest.mark.parametrize("torn", [False, True])
def test_power_fails_while_erasing(manner, torn, monkeypatch):
    whole = worn(manner, monkeypatch)
    before = whole.operations
    erase(whole, monkeypatch)
    for cut_at in range(before, whole.operations):
        flash = worn(manner, monkeypatch)
        flash.cut_at, flash.torn = cut_at, torn
        with contextlib.suppress(PowerCut):
            erase(flash, monkeypatch)
        flash = flash.copy()
        flash.use(monkeypatch, bonds, config)
        again = bonds.Bonds("/bonds.json")
        assert not again.damaged
        words = [e.word for e in told(flash, monkeypatch) if isinstance(e, events.Wake)]
        if list(again):
            assert connect(again, 1)
            assert again.state == protocol.PAIRING_CLOSED
        else:
            # The next companion finds nothing of the one before.
            assert words == []
            assert config.load("/config.json")[0]["name"] == "Glint"
        erase(flash, monkeypatch)  # held again
        assert list(bonds.Bonds("/bonds.json")) == []
