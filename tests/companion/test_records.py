# SPDX-License-Identifier: Apache-2.0
"""Tests event records: every type is decoded, and malicious bytes are refused."""

import dataclasses
import struct

import cbor2
import pytest
from glint import events, protocol
from glint.errors import ProtocolError
from hypothesis import given, settings
from hypothesis import strategies as st

U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFF_FFFF)
SHARE = st.floats(0, 1)
TEXT = st.text(max_size=20).filter(lambda text: len(text.encode()) <= 30)

# For each type: its class, a strategy for its map, and the fields that the class renames.
TYPES = {
    protocol.EVENT_BOOT: (events.Boot, {"board": TEXT, "firmware": TEXT, "boot": U32}),
    protocol.EVENT_WAKE: (events.Wake, {"word": TEXT, "p": SHARE, "at_ms": U32}),
    protocol.EVENT_SEEN: (events.Seen, {"label": TEXT, "p": SHARE, "by": TEXT}),
    protocol.EVENT_BATTERY: (events.Battery, {"percent": st.integers(0, 100), "mv": U16}),
    protocol.EVENT_BUTTON: (events.Button, {"pressed": st.booleans()}),
    protocol.EVENT_GAP: (events.Gap, {"count": U32}),
    protocol.EVENT_MEDIA: (
        events.Media,
        {
            "id": U16,
            "kind": st.just("audio"),
            "codec": TEXT,
            "bytes": U32,
            "rate_hz": st.integers(1, 192_000),
            "preroll_ms": U32,
            "cause": U32,
        },
    ),
    protocol.EVENT_MEDIA_END: (events.MediaEnd, {"id": U16, "crc": U32}),
}
OTHER_NAMES = {"p": "probability"}


def record(code, fields, seq=7, time_ms=1234):
    body = fields if isinstance(fields, bytes) else cbor2.dumps(fields)
    return struct.pack("<IIB", seq, time_ms, code) + body


@pytest.mark.parametrize("code", TYPES)
@given(data=st.data())
@settings(max_examples=60)
def test_what_is_encoded_is_decoded(code, data):
    kind, strategies = TYPES[code]
    fields = data.draw(st.fixed_dictionaries(strategies))
    seq, time_ms = data.draw(st.integers(1, 0xFFFF_FFFE)), data.draw(U32)
    event = events.decode(record(code, fields, seq, time_ms))
    assert type(event) is kind
    assert (event.seq, event.time_ms) == (seq, time_ms)
    for key, value in fields.items():
        assert getattr(event, OTHER_NAMES.get(key, key)) == value


@pytest.mark.parametrize("code", TYPES)
@given(data=st.data())
@settings(max_examples=60)
def test_a_field_of_another_type_or_none_is_refused(code, data):
    kind, strategies = TYPES[code]
    fields = data.draw(st.fixed_dictionaries(strategies))
    optional = {field.name for field in dataclasses.fields(kind) if field.default == 0}
    key = data.draw(st.sampled_from(sorted(set(fields) - optional)))
    wrong = data.draw(st.sampled_from([None, [], {}, b"bytes", float("nan"), -1, 1 << 40]))
    fields[key] = wrong
    with pytest.raises(ProtocolError):
        events.decode(record(code, fields))
    del fields[key]
    with pytest.raises(ProtocolError):
        events.decode(record(code, fields))


def test_a_photo_and_an_object_given_up():
    photo = {"id": 1, "kind": "photo", "codec": "jpeg", "bytes": 9, "width": 640, "height": 480}
    event = events.decode(record(protocol.EVENT_MEDIA, photo))
    assert (event.kind, event.width, event.height) == ("photo", 640, 480)
    end = events.decode(record(protocol.EVENT_MEDIA_END, {"id": 1, "error": "no camera"}))
    assert (end.id, end.crc, end.error) == (1, None, "no camera")


def test_a_later_type_is_unknown_and_later_keys_are_left_out():
    event = events.decode(record(200, {"new": [1, {"a": b"b"}]}))
    assert (event.type, event.fields) == (200, {"new": [1, {"a": b"b"}]})
    assert events.decode(record(protocol.EVENT_BUTTON, {"pressed": True, "force": 3})).pressed


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xa0\x00",  # something after the map
        b"\x80",  # a list
        b"\xbf\xff",  # a map of indefinite length
        b"\xa2\x61a\x01\x61a\x01",  # a key twice
        b"\xa1\x01\x01",  # a key that is no text
        b"\xa1\x61a" + b"\x81" * 50 + b"\x01",  # too deep
        b"\xd8\x1c\xa1\x61a\xd8\x1d\x00",  # a map that contains itself
        b"\xa1\x61a\xd8\x1c\x81\xd8\x1d\x00",  # a list that contains itself
        b"\xa1\x61a\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00",  # a big number
        b"\xa1\x61a\xc4\x82\x1a\x7f\xff\xff\xff\x01",  # a decimal fraction
        b"\xa1\x61a\xd8\x23\x61(",  # a regular expression
        b"\xa1\x61a\x5b\xff\xff\xff\xff\xff\xff\xff\xff",  # bytes without end
        b"\xa1\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff",  # a list without end
        b"\xbb\x00\x00\x00\xff\xff\xff\xff\xff",  # a map without end
        b"\xa1\x62\xc3\x28\x01",  # text that is no UTF-8
        b"\xa1\x61a\xf7",  # undefined
    ],
)
@pytest.mark.parametrize("code", [protocol.EVENT_WAKE, 200])
def test_hostile_bodies_are_refused(code, body):
    with pytest.raises(ProtocolError):
        events.decode(record(code, body))


def test_too_long_too_short_and_sequence_0_are_refused():
    for bad in (
        b"",
        record(200, b"")[:9],
        record(200, {"a": bytes(200)}),
        record(protocol.EVENT_BUTTON, {"pressed": True}, seq=0),
    ):
        with pytest.raises(ProtocolError):
            events.decode(bad)


def decodes_or_refuses(data):
    try:
        event = events.decode(data)
    except ProtocolError:
        return
    assert event.seq >= 1
    assert len(data) <= protocol.LIMIT_EVENT_BYTES


@given(st.binary(max_size=200))
@settings(max_examples=1500, deadline=None)
def test_any_bytes_are_decoded_or_refused(data):
    decodes_or_refuses(data)


@given(st.sampled_from(sorted(TYPES)), st.binary(max_size=151))
@settings(max_examples=1500, deadline=None)
def test_any_body_is_decoded_or_refused(code, body):
    decodes_or_refuses(record(code, body))


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_damaged_records_are_decoded_or_refused(data):
    code = data.draw(st.sampled_from(sorted(TYPES)))
    fields = data.draw(st.fixed_dictionaries(TYPES[code][1]))
    damaged = bytearray(record(code, fields))
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    decodes_or_refuses(bytes(damaged))
