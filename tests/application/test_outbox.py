# SPDX-License-Identifier: Apache-2.0
"""Tests the glasses' outbox in CPython: it sends what companions want, and its size is bounded."""

import random
import struct
import types
import zlib

import pytest
from glasses import journal, media
from glasses.media import Outbox
from glasses.wishes import ABSENT_MAX, AUDIO, PHOTO
from glint import events, protocol
from hypothesis import given, settings
from hypothesis import strategies as st

NOTIFICATION_BYTES = 244


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    now = types.SimpleNamespace(ms=0)
    fake = types.SimpleNamespace(ticks_ms=lambda: now.ms, ticks_diff=lambda a, b: a - b)
    monkeypatch.setattr(media, "time", fake)
    monkeypatch.setattr(journal, "time", fake)
    return now


def wishes(box):
    """The wishes of the only companion."""
    return box._wishes[0] if box._wishes else box.begin()


def credit(box, count):
    wishes(box).receive(struct.pack("<BH", protocol.MEDIA_CREDIT, count))


def want(box, number, *spans):
    flat = [edge for span in spans for edge in span]
    wishes(box).receive(struct.pack(f"<BH{len(flat)}I", protocol.MEDIA_WANT, number, *flat))


def release(box, number):
    wishes(box).receive(struct.pack("<BH", protocol.MEDIA_RELEASE, number))


def take(box, limit=10**6):
    """Returns the chunks that are sent now, as (id, offset, data)."""
    chunks = []
    while len(chunks) < limit and (chunk := wishes(box).chunk(NOTIFICATION_BYTES)) is not None:
        assert len(chunk) <= NOTIFICATION_BYTES
        data = bytes(chunk)
        wishes(box).sent()
        chunks.append((*struct.unpack_from("<HI", data), data[6:]))
    return chunks


def photo(box, data):
    item = box.open(box.reserve(), PHOTO, len(data), bytearray(data))
    item.fill(len(data))
    box.end(item)
    return item.id


def told_last(box):
    return events.decode(box._journal.read(box._journal.next - 1))


@given(
    st.binary(min_size=1, max_size=3000),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000)), min_size=1, max_size=16),
)
@settings(max_examples=150, deadline=None)
def test_what_is_sent_is_what_was_wanted(data, spans):
    with pytest.MonkeyPatch.context() as patch:
        fake = types.SimpleNamespace(ticks_ms=lambda: 0, ticks_diff=lambda a, b: a - b)
        patch.setattr(media, "time", fake)
        patch.setattr(journal, "time", fake)
        box = Outbox(journal.Journal())
        number = photo(box, data)
        credit(box, 60000)
        want(box, number, *spans)
        wanted = b"".join(data[start:stop] for start, stop in spans if start < stop)
        sent = take(box)
        assert b"".join(chunk for _, _, chunk in sent) == wanted
        for _, offset, chunk in sent:
            assert data[offset : offset + len(chunk)] == chunk
        end = told_last(box)
        assert end.crc == zlib.crc32(data)


def test_no_more_is_sent_than_granted_and_nothing_after_the_link_was_lost():
    box = Outbox(journal.Journal())
    number = photo(box, bytes(10_000))
    want(box, number, (0, 10_000))
    assert take(box) == []
    credit(box, 3)
    assert len(take(box)) == 3
    credit(box, 5)
    credit(box, 2)  # replaces, and does not add
    assert len(take(box)) == 2
    credit(box, 100)
    wishes(box).clear()
    assert take(box) == []
    credit(box, 100)
    assert take(box) == []
    want(box, number, (9_000, 10_000))
    assert sum(len(data) for _, _, data in take(box)) == 1000


def test_sound_goes_before_pictures():
    box = Outbox(journal.Journal())
    picture = photo(box, bytes(2000))
    sound = box.open(box.reserve(), AUDIO, 1600, bytearray(1600))
    credit(box, 1000)
    want(box, picture, (0, 2000))
    want(box, sound.id, (0, 1600))
    sound.fill(80)  # too little to be worth a notification
    assert [number for number, _, _ in take(box, 1)] == [picture]
    sound.fill(80)
    assert take(box, 2)[0] == (sound.id, 0, bytes(160))
    while not sound.whole:
        sound.fill(80)
    box.end(sound)
    order = [number for number, _, _ in take(box)]
    assert order == sorted(order, key=[sound.id, picture].index)


def test_a_ring_sends_what_it_has_and_says_what_it_has_not():
    rng = random.Random(1)
    box = Outbox(journal.Journal())
    sound = box.open(box.reserve(), AUDIO, 4000, bytearray(1600))
    whole = b""
    credit(box, 1000)
    want(box, sound.id, (0, 4000))
    got = b""
    while not sound.whole:
        hop = rng.randbytes(80)
        sound.room(80)[:] = hop
        sound.fill(80)
        whole += hop
        if len(whole) % 800 == 0:
            got += b"".join(data for _, _, data in take(box))
    box.end(sound)
    got += b"".join(data for _, _, data in take(box))
    assert got == whole
    assert sound.crc == zlib.crc32(whole)
    want(box, sound.id, (2400, 2500))
    assert take(box) == [(sound.id, 2400, whole[2400:2500])]
    want(box, sound.id, (2399, 2500))
    assert take(box) == [(sound.id, 0, b"")]


def test_a_recording_can_become_shorter():
    box = Outbox(journal.Journal())
    sound = box.open(box.reserve(), AUDIO, 4000, bytearray(1600))
    sound.fill(80)
    box.end(sound)
    end = told_last(box)
    assert (end.bytes, end.crc) == (80, zlib.crc32(bytes(80)))
    credit(box, 10)
    want(box, sound.id, (0, 4000))
    assert take(box) == [(sound.id, 0, bytes(80))]
    assert take(box) == []


async def test_a_file_is_sent_from_where_it_lies(tmp_path):
    data = random.Random(3).randbytes(20_000)
    (tmp_path / "x.bin").write_bytes(data)
    box = Outbox(journal.Journal())
    picture = photo(box, bytes(500))
    with pytest.raises(FileNotFoundError):
        media.File(box.reserve(), str(tmp_path / "none"))
    file = media.File(box.reserve(), str(tmp_path / "x.bin"))
    box.keep(file, codec="raw")
    credit(box, 1000)
    want(box, file.id, (0, 20_000))
    want(box, picture, (0, 500))
    sent = take(box)
    assert [number for number, _, _ in sent[:3]] == [picture] * 3
    assert b"".join(chunk for _, _, chunk in sent[3:]) == data
    piece = memoryview(bytearray(media.SUM_BYTES))
    at = 0
    while at < len(data):
        at = file.sum(at, piece)
    box.end(file)
    assert told_last(box).crc == zlib.crc32(data)
    # An object that is no longer there is reported.
    (tmp_path / "x.bin").write_bytes(data[:1000])
    want(box, file.id, (990, 2000))
    assert take(box) == [(file.id, 990, data[990:1000]), (file.id, 0, b"")]
    release(box, file.id)
    assert file._file.closed


def test_what_is_kept_is_bounded_in_number_and_bytes():
    box = Outbox(journal.Journal())
    numbers = [photo(box, bytes(1000)) for _ in range(20)]
    assert len(box.objects) == media.OBJECTS_MAX
    credit(box, 100)
    want(box, numbers[0], (0, 10))
    assert take(box) == [(numbers[0], 0, b"")]
    for _ in range(10):
        photo(box, bytes(media.KEPT_BYTES_MAX // 3))
        assert sum(len(item.data) for item in box.objects) <= media.KEPT_BYTES_MAX
    with pytest.raises(MemoryError, match="no room"):
        photo(box, bytes(media.KEPT_BYTES_MAX + 1))


def test_what_is_being_recorded_is_not_thrown_out():
    box = Outbox(journal.Journal())
    sound = box.open(box.reserve(), AUDIO, 4000, bytearray(1600))
    for _ in range(20):
        photo(box, bytes(10))
    assert sound in box.objects


def test_objects_grow_old(clock):
    box = Outbox(journal.Journal())
    photo(box, bytes(10))
    sound = box.open(box.reserve(), AUDIO, 4000, bytearray(1600))
    clock.ms = media.KEPT_MS_MAX + 1
    box.expire()
    assert box.objects == [sound]


def test_release_forgets_and_cancels():
    cancelled = []
    box = Outbox(journal.Journal())
    box.on_cancel = cancelled.append
    number = photo(box, bytes(10))
    release(box, number)
    assert (box.objects, cancelled) == ([], [])
    sound = box.open(box.reserve(), AUDIO, 4000, bytearray(1600))
    release(box, sound.id)
    assert (box.objects, cancelled) == ([], [sound])
    assert told_last(box).error == "cancelled"
    release(box, sound.id)
    assert cancelled == [sound]


def test_requests_for_what_is_gone_are_bounded():
    box = Outbox(journal.Journal())
    credit(box, 1000)
    for number in range(1, 500):
        want(box, number, (0, 1))
    assert len(take(box)) == ABSENT_MAX


@given(st.lists(st.binary(max_size=140), max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_command_is_obeyed_or_ignored(writes):
    with pytest.MonkeyPatch.context() as patch:
        fake = types.SimpleNamespace(ticks_ms=lambda: 0, ticks_diff=lambda a, b: a - b)
        patch.setattr(media, "time", fake)
        patch.setattr(journal, "time", fake)
        box = Outbox(journal.Journal())
        photo(box, bytes(100))
        box.open(box.reserve(), AUDIO, 4000, bytearray(1600)).fill(80)
        for data in writes:
            wishes(box).receive(data)
            take(box, 20)
        assert len(box.objects) <= 2


@pytest.mark.parametrize(
    ("room", "expected"), [(20, 20), (182, 182), (244, 244), (300, 244), (495, 495), (509, 495)]
)
def test_chunks_fill_link_layer_packets(room, expected):
    assert media.payload_bytes(room) == expected


def test_what_one_companion_has_another_still_gets():
    box = Outbox(journal.Journal())
    first, second = box.begin(), box.begin()
    number = photo(box, b"picture")
    whole = struct.pack("<BHII", protocol.MEDIA_WANT, number, 0, 7)
    done = struct.pack("<BH", protocol.MEDIA_RELEASE, number)
    for each in (first, second):
        each.receive(struct.pack("<BH", protocol.MEDIA_CREDIT, 2))
    first.receive(whole)
    assert bytes(first.chunk(244))[6:] == b"picture"
    first.sent()
    first.receive(done)
    assert second.chunk(244) is None
    second.receive(whole)
    assert bytes(second.chunk(244))[6:] == b"picture"
    second.sent()
    second.receive(done)
    assert box.objects == []
    # A companion that has left needs nothing any more.
    number = photo(box, b"another")
    box.end_wishes(second)
    first.receive(struct.pack("<BH", protocol.MEDIA_RELEASE, number))
    assert box.objects == []
