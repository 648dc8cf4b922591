# SPDX-License-Identifier: Apache-2.0
"""Tests the journal in CPython: its records, its file, and power cuts at every change of it."""

import contextlib
import itertools
import struct
import types
import zlib

import cbor2
import pytest
from emulated_flash import Flash, PowerCut
from glasses import journal as module
from glasses.journal import KEPT_MAX, Journal, JournalFile
from glint import events, protocol
from hypothesis import given, settings
from hypothesis import strategies as st

PATH = "/journal.bin"
STEPS = st.lists(
    st.one_of(
        st.sampled_from(["button", "battery", "wake"]),
        st.just("save"),
        st.tuples(st.just("acknowledge"), st.integers(0, 12)),
        st.just("reboot"),
    ),
    max_size=40,
)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    ticks = types.SimpleNamespace(now=0)

    def ticks_ms():
        ticks.now += 7
        return ticks.now

    fake = types.SimpleNamespace(ticks_ms=ticks_ms, ticks_diff=lambda a, b: a - b)
    monkeypatch.setattr(module, "time", fake)


def start(flash, monkeypatch):
    flash.use(monkeypatch, module)
    return Journal(JournalFile(PATH))


def test_what_outlives_a_reboot_says_when_it_happened(monkeypatch):
    flash = Flash()
    journal = start(flash, monkeypatch)
    journal.append(protocol.EVENT_BUTTON, {"pressed": True})
    journal.clock = types.SimpleNamespace(offset_ms=None)
    journal.append(protocol.EVENT_BUTTON, {"pressed": False})
    journal.clock.offset_ms = 1_795_295_222_000 - journal.time_ms()
    journal.append(protocol.EVENT_BUTTON, {"pressed": True})
    journal.append(protocol.EVENT_BATTERY, {"percent": 1, "mv": 2})
    journal.save()
    again = start(flash, monkeypatch)
    assert again.own == again.next == 4
    times = [event.time and event.time.timestamp() for event in unread(again)]
    assert times == [None, None, 1_795_295_222]


def unread(journal):
    """Returns the records that a companion gets if it asks for all."""
    read, sequence = [], journal.unread
    while sequence < journal.next:
        read.append(events.decode(journal.read(sequence)))
        sequence = max(sequence + 1, journal.first)
    return read


class Glasses:
    """Makes numbered events, and records which a companion may get and which it must get."""

    def __init__(self, flash, monkeypatch):
        self.flash = flash
        self._monkeypatch = monkeypatch
        self.count = 0
        self.journal = start(flash, monkeypatch)
        self.numbers = {}  # of this run: sequence number -> what it is
        self.must = []  # saved, not acknowledged
        self.may = []  # appended, not acknowledged for good

    def do(self, step):
        journal = self.journal
        if step == "save":
            journal.save()
            self.must = [n for n in self.numbers.values() if n in self.may]
        elif step == "reboot":
            self.reboot()
        elif step == "battery":
            journal.append(protocol.EVENT_BATTERY, {"percent": 50, "mv": 3700})
        elif step in ("button", "wake"):
            self.count += 1
            kind = protocol.EVENT_WAKE
            about = {"word": str(self.count), "p": 0.5, "at_ms": 1}
            self.may.append(self.count)
            self.numbers[journal.append(kind, about)] = self.count
        else:
            up_to = journal.unread + step[1]
            gone = {n for sequence, n in self.numbers.items() if sequence <= up_to}
            self.must = [n for n in self.must if n not in gone]
            journal.acknowledge(up_to)
            journal.save()
            self.may = [n for n in self.may if n not in gone]
            self.must = [n for n in self.numbers.values() if n in self.may]

    def reboot(self):
        flash = self.flash = self.flash.copy()
        self.journal = start(flash, self._monkeypatch)
        self.check()

    def check(self):
        """Checks that every saved record is there once and in order, and none that never was."""
        wakes = [event for event in unread(self.journal) if isinstance(event, events.Wake)]
        found = [int(event.word) for event in wakes]
        assert found == sorted(set(found))
        assert set(self.must) <= set(found) <= set(self.may)
        self.numbers = {event.seq: int(event.word) for event in wakes}
        self.must, self.may = list(found), list(found)


@given(STEPS, st.sampled_from(["through", "synced"]))
@settings(max_examples=150, deadline=None)
def test_what_was_saved_outlives_reboots(steps, manner):
    with pytest.MonkeyPatch.context() as monkeypatch:
        glasses = Glasses(Flash(manner), monkeypatch)
        for step in steps:
            glasses.do(step)
        glasses.reboot()


@given(STEPS, st.sampled_from([("through", False), ("through", True), ("synced", False)]))
@settings(max_examples=60, deadline=None)
def test_power_fails_at_every_change(steps, how):
    manner, torn = how
    with pytest.MonkeyPatch.context() as monkeypatch:
        whole = Glasses(Flash(manner), monkeypatch)
        for step in steps:
            if step != "reboot":
                whole.do(step)
        for cut_at in range(whole.flash.operations):
            glasses = Glasses(Flash(manner), monkeypatch)
            glasses.flash.cut_at, glasses.flash.torn = cut_at, torn
            with contextlib.suppress(PowerCut):
                for step in steps:
                    if step != "reboot":
                        glasses.do(step)
            assert glasses.flash.operations > cut_at
            # Power fails once more while it starts.
            second = glasses.flash.copy()
            second.cut_at, second.torn = cut_at % 3, torn
            with contextlib.suppress(PowerCut):
                start(second, monkeypatch)
            glasses.flash = second
            glasses.reboot()
            # It then works as usual.
            for step in ("wake", "save", "reboot"):
                glasses.do(step)
            assert glasses.must


def test_what_was_not_stored_is_a_gap_with_its_count(monkeypatch):
    flash = Flash()
    journal = start(flash, monkeypatch)
    journal.append(protocol.EVENT_BOOT, {"board": "x", "firmware": "1", "boot": 5})
    for _ in range(3):
        journal.append(protocol.EVENT_BATTERY, {"percent": 50, "mv": 3700})
    journal.append(protocol.EVENT_BUTTON, {"pressed": True})
    journal.acknowledge(2)
    journal.save()
    for _ in range(3):  # and stays that over reboots
        journal = start(flash, monkeypatch)
        gap, button = unread(journal)
        assert (gap.seq, gap.count) == (1, 2)
        assert (button.seq, button.pressed) == (2, True)


def test_an_overrun_is_a_gap_for_whoever_asks_for_all(monkeypatch):
    journal = start(Flash(), monkeypatch)
    for _ in range(KEPT_MAX + 44):
        journal.append(protocol.EVENT_BUTTON, {"pressed": True})
    first, *others = unread(journal)
    assert (first.seq, first.count) == (44, 44)
    assert len(others) == KEPT_MAX
    journal.acknowledge(10)
    assert unread(journal)[0].count == 34


def test_after_an_overrun_and_a_reboot_none_is_missing_in_the_count(monkeypatch):
    flash = Flash()
    journal = start(flash, monkeypatch)
    for _ in range(2):
        for number in range(700):
            journal.append(protocol.EVENT_BUTTON, {"pressed": True})
            if number % 100 == 0:
                journal.save()
        journal.save()
        journal = start(flash, monkeypatch)
        read = unread(journal)
        counted = sum(e.count if isinstance(e, events.Gap) else 1 for e in read)
        assert counted == 700
        assert len(flash.files[PATH]) < 2 * module.ADDED_BYTES_MAX
        journal.acknowledge(journal.next)
        journal.save()


def test_what_flickers_is_saved_with_others_or_once_many_wait(monkeypatch):
    flash = Flash()
    journal = start(flash, monkeypatch)
    seen = {"label": "still", "p": 0.5, "by": "motion"}

    def asked(kind, body):
        journal.append(kind, dict(body))
        if not journal._unsaved.is_set():
            return False
        journal._unsaved.clear()
        journal.save()
        return True

    asks = [asked(protocol.EVENT_SEEN, seen) for _ in range(2 * module.SEEN_UNSAVED_MAX)]
    assert [i + 1 for i, ask in enumerate(asks) if ask] == [32, 64]
    assert not asked(protocol.EVENT_SEEN, seen)
    assert asked(protocol.EVENT_SEEN, {**seen, "media": 1})
    assert not asked(protocol.EVENT_SEEN, seen)
    assert asked(protocol.EVENT_BUTTON, {"pressed": True})
    assert len(unread(start(flash, monkeypatch))) == 68


def test_a_file_that_has_to_be_long_is_seldom_written_anew(monkeypatch):
    flash = Flash()
    journal = start(flash, monkeypatch)
    lengths = [0]
    for _ in range(3 * KEPT_MAX):
        journal.append(protocol.EVENT_NOTICE, {"about": "camera", "text": "x" * 100})
        journal.save()
        lengths.append(len(flash.files[PATH]))
    assert lengths[KEPT_MAX] > 2 * module.ADDED_BYTES_MAX
    anew = [i for i in range(1, len(lengths)) if lengths[i] < lengths[i - 1]]
    apart = [later - earlier for earlier, later in itertools.pairwise(anew)]
    entry_bytes = lengths[2] - lengths[1]
    assert min(apart) > module.ADDED_BYTES_MAX // entry_bytes
    assert max(lengths) <= (KEPT_MAX + 1) * entry_bytes + module.ADDED_BYTES_MAX + entry_bytes


def test_a_full_flash_costs_what_it_has_no_room_for(monkeypatch, capsys):
    flash = Flash()
    journal = start(flash, monkeypatch)
    journal.append(protocol.EVENT_BUTTON, {"pressed": True})
    journal.save()
    flash.fill(20)
    for _ in range(3):
        journal.append(protocol.EVENT_BUTTON, {"pressed": False})
        journal.save()
    assert "not saved" in capsys.readouterr().out
    assert len(unread(start(flash.copy(), monkeypatch))) == 1
    flash.use(monkeypatch, module)
    flash.fill(1 << 20)
    journal.append(protocol.EVENT_BUTTON, {"pressed": False})
    journal.save()
    assert len(unread(start(flash, monkeypatch))) == 5


@given(st.binary(max_size=400), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_file_is_read(data, after_a_record):
    record = struct.pack("<IIB", 3, 9, protocol.EVENT_BUTTON) + cbor2.dumps({"pressed": True})
    good = struct.pack("<HI", len(record), zlib.crc32(record)) + record
    with pytest.MonkeyPatch.context() as monkeypatch:
        flash = Flash(files={PATH: (good if after_a_record else b"") + data})
        journal = start(flash, monkeypatch)
        assert journal.next >= (3 if after_a_record else 1)
        journal.append(protocol.EVENT_BUTTON, {"pressed": False})
        journal.save()
        assert not unread(start(flash, monkeypatch))[-1].pressed


RECORDS = st.binary(min_size=10, max_size=160)


@given(st.lists(st.one_of(RECORDS, st.integers(1, 40)), max_size=20))
@settings(max_examples=300, deadline=None)
def test_records_that_make_no_sense_are_counted_and_no_more(pieces):
    """The file holds whole entries with any content; the numbers among them are valid records."""
    numbered, last = [], 0
    for piece in pieces:
        if isinstance(piece, int):
            last += piece
            piece = struct.pack("<IIB", last, 9, protocol.EVENT_BUTTON)
            piece += cbor2.dumps({"pressed": True})
        numbered.append(piece)
    stored = b"".join(struct.pack("<HI", len(p), zlib.crc32(p)) + p for p in numbered)
    with pytest.MonkeyPatch.context() as monkeypatch:
        flash = Flash(files={PATH: stored})
        journal = start(flash, monkeypatch)
        for event in unread(journal):
            assert not isinstance(event, events.Gap) or event.count > 0
        journal.append(protocol.EVENT_BUTTON, {"pressed": False})
        journal.save()
        assert not unread(start(flash, monkeypatch))[-1].pressed


@pytest.mark.parametrize(
    "record",
    [
        struct.pack("<IIB", 2, 9, protocol.EVENT_GAP) + b"\xa0",
        struct.pack("<IIB", 2, 9, protocol.EVENT_GAP) + cbor2.dumps({"count": "many"}),
        struct.pack("<IIB", 2, 9, protocol.EVENT_WAKE) + b"\xff",
        struct.pack("<IIB", 2, 9, protocol.EVENT_WAKE) + b"\x01",
        struct.pack("<IIB", 1 << 31, 9, protocol.EVENT_WAKE) + b"\xa0",
    ],
    ids=["gap of nothing", "gap of text", "no CBOR", "no map", "number"],
)
def test_a_record_that_makes_no_sense_is_a_gap_of_one(record, monkeypatch):
    def entry(data):
        return struct.pack("<HI", len(data), zlib.crc32(data)) + data

    def pressed(number):
        return entry(
            struct.pack("<IIB", number, 9, protocol.EVENT_BUTTON) + cbor2.dumps({"pressed": True})
        )

    for after in (b"", pressed(3)):
        flash = Flash(files={PATH: pressed(1) + entry(record) + after})
        kinds = [(type(e), getattr(e, "count", 1)) for e in unread(start(flash, monkeypatch))]
        expected = [(events.Button, 1), (events.Gap, 1), (events.Button, 1)]
        assert kinds == (expected if after else expected[:2])


def test_numbers_end_before_they_wrap_and_the_glasses_start_anew(monkeypatch):
    flash = Flash()
    journal = start(flash, monkeypatch)
    asked = []
    journal.on_exhausted = lambda: asked.append(journal.next)
    journal.next = module.RESTART_AT - 1
    for _ in range(4):
        journal.append(protocol.EVENT_BUTTON, {"pressed": True})
    assert asked == [module.RESTART_AT + 1]
    numbers = [event.seq for event in unread(journal)]
    assert numbers[-1] == module.RESTART_AT + 2
    # As many more as can come in half a second, which is all that is left.
    journal.next = protocol.LIMIT_SEQUENCE
    journal.append(protocol.EVENT_BUTTON, {"pressed": True})
    assert events.decode(journal.read(protocol.LIMIT_SEQUENCE)).seq == protocol.LIMIT_SEQUENCE
    journal.save()
    again = start(flash.copy(), monkeypatch)
    assert again.next < 10
