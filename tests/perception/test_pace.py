# SPDX-License-Identifier: Apache-2.0
"""Tests lost audio: microphone, flash whose erasing loses it, and journal, on one clock."""

import asyncio
import types

import pytest
from emulated_flash import ERASE_MS, Flash
from glasses import journal
from glasses.perception import pace
from glint import events, protocol

HOP_BYTES = 320


class Board:
    """A clock, and a driver whose interrupts wait while the flash is erased.

    Its DMA ring gives pieces of 8 ms; of those that end while interrupts wait, the last is kept.
    """

    paced = True
    PIECE_MS = 8

    def __init__(self, monkeypatch, ppm=0):
        self.now = 0
        self.waiting_ms = 0
        self.pieces = 0
        self.ppm = ppm
        fake = types.SimpleNamespace(
            ticks_ms=lambda: int(self.now),
            ticks_diff=lambda a, b: a - b,
            ticks_add=lambda a, b: a + b,
        )
        monkeypatch.setattr(pace, "time", fake)
        monkeypatch.setattr(journal, "time", fake)
        self.pace = pace.Pace(self)
        self.told = []
        self.pace.on_change = lambda: self.told.append((self.pace.lost_ms, self.pace.silent))
        self.pace.start()

    def any(self):
        return self.waiting_ms * 32

    def ended(self):
        return int(self.now * (1 + self.ppm / 1e6)) // self.PIECE_MS

    def erase(self, length_ms):
        """Keeps the flash busy."""
        before = self.ended()
        self.now += length_ms
        self.pieces += max(self.ended() - before - 1, 0)  # nobody was told of these

    def run(self, length_ms, heard=True):
        """Lets this much time pass, with a poll every 10 ms and a check every second."""
        for _ in range(length_ms // 10):
            self.now += 10
            if heard:
                self.waiting_ms += (self.ended() - self.pieces) * self.PIECE_MS
            self.pieces = self.ended()
            while self.waiting_ms >= 10:
                self.pace.hops(1, self.any())
                self.waiting_ms -= 10
            if int(self.now) // 1000 != (int(self.now) - 10) // 1000:
                self.pace.check()


def test_a_quiet_minute_loses_nothing_whatever_the_crystal(monkeypatch):
    for ppm in (-100, 0, 100):
        board = Board(monkeypatch, ppm)
        board.run(60_000)
        assert (board.pace.lost_ms, board.told) == (0, [])


@pytest.mark.parametrize("erasures", [1, 3])
def test_what_an_erased_sector_costs_is_counted_and_told(monkeypatch, erasures):
    board = Board(monkeypatch)
    board.run(5000)
    for _ in range(erasures):
        board.erase(ERASE_MS)
    board.run(5000)
    lost = erasures * (ERASE_MS - 8)
    assert abs(board.pace.lost_ms - lost) <= 10 + 8 * erasures
    assert board.told == [(board.pace.lost_ms, False)]


def test_losses_that_follow_each_other_are_told_together(monkeypatch):
    board = Board(monkeypatch)
    board.run(5000)
    for _ in range(8):
        board.erase(ERASE_MS)
        board.run(2000)
    assert len(board.told) == 2
    board.run(12_000)
    assert board.told[-1][0] == board.pace.lost_ms


def test_a_hop_that_is_only_late_is_not_lost(monkeypatch):
    board = Board(monkeypatch)
    board.run(5000)
    board.waiting_ms += 200  # the loop was busy, but the driver was not
    board.now += 200
    board.pieces = board.ended()
    board.run(5000)
    assert board.pace.lost_ms <= 8


def test_a_microphone_that_gives_no_data_is_told_and_so_is_its_return(monkeypatch):
    board = Board(monkeypatch)
    board.run(3000, heard=False)
    assert board.told == [(0, True)]  # within 3 s
    board.run(3000)
    assert board.told[-1][1] is False
    board.run(5000, heard=False)
    board.run(3000)
    assert [silent for _, silent in board.told] == [True, False, True, False]
    assert 4900 <= board.pace.lost_ms <= 5100


def test_an_emulated_microphone_that_waits_for_its_reader_is_never_late():
    assert not pace.Pace(types.SimpleNamespace(any=lambda: 0))._paced


async def test_nothing_is_written_while_a_recording_is_on(monkeypatch):
    board = Board(monkeypatch)
    flash = Flash("synced")
    flash.use(monkeypatch, journal)
    flash.on_erase = board.erase
    monkeypatch.setattr(journal, "asyncio", OnClock(board))
    kept = journal.Journal(journal.JournalFile("/journal.bin"))
    board.run(3000)
    saving = asyncio.create_task(kept.run())
    # As the application does when it hears a wake word.
    kept.append(protocol.EVENT_WAKE, {"word": "okay nabu", "p": 0.9, "at_ms": 3000})
    kept.hold()
    for _ in range(3):
        await asyncio.sleep(0)
        board.run(1000)
    assert (flash.files, board.pace.lost_ms) == ({}, 0)
    kept.release()
    for _ in range(3):
        await asyncio.sleep(0)
        board.run(1000)
    saving.cancel()
    (record,) = journal.JournalFile("/journal.bin").read()[0]
    assert isinstance(events.decode(record), events.Wake)
    assert board.pace.lost_ms >= pace.LOST_MIN_MS  # it takes its time, after all


class OnClock:
    """Replaces asyncio: a sleep ends when the test's clock has come that far."""

    Event = asyncio.Event

    def __init__(self, board):
        self._world = board

    async def sleep_ms(self, length_ms):
        until = self._world.now + length_ms
        while self._world.now < until:
            await asyncio.sleep(0)
