# SPDX-License-Identifier: Apache-2.0
"""Tests the firmware's CBOR against cbor2, in both directions, and with malformed input."""

import struct

import cbor2
import pytest
from glasses import cbor
from hypothesis import example, given
from hypothesis import strategies as st

integers = st.integers(-(2**64), 2**64 - 1)
floats = st.floats(width=32, allow_nan=False)
leaves = st.none() | st.booleans() | integers | floats | st.text() | st.binary()
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | integers, inner, max_size=4)
    ),
    max_leaves=12,
)


def depth(value):
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


@given(values)
def test_what_it_encodes_cbor2_reads(value):
    assert cbor2.loads(cbor.encode(value)) == value


@given(values)
def test_what_cbor2_encodes_it_reads(value):
    encoded = cbor2.dumps(value)
    if depth(value) > cbor.DEPTH_MAX:
        with pytest.raises(ValueError, match="nested deeper"):
            cbor.decode(encoded)
    else:
        assert cbor.decode(encoded) == value


@given(st.binary(max_size=200))
@example(b"\x9f" * 100)
@example(b"\x5b" + struct.pack(">Q", 2**63))
@example(b"\x9b" + struct.pack(">Q", 2**63))
@example(b"\xbb" + struct.pack(">Q", 2**63))
@example(b"\xff")
@example(b"\xa1\xff\x00")
@example(b"\x9f\x01")
def test_nonsense_is_an_error_or_a_value(data):
    try:
        value = cbor.decode(data)
    except ValueError:
        return
    assert depth(value) <= cbor.DEPTH_MAX


@given(st.floats(width=16, allow_nan=False))
def test_half_precision_floats(value):
    encoded = b"\xf9" + struct.pack(">e", value)
    assert cbor.decode(encoded) == value
    assert struct.pack(">f", cbor.decode(encoded)) == struct.pack(">f", value)


def test_indefinite_lengths_of_phone_apps():
    assert cbor.decode(b"\xbf\x61d\x62hi\xff") == {"d": "hi"}
    assert cbor.decode(b"\x9f\x01\x02\xff") == [1, 2]


@given(values, st.data())
def test_every_truncation_is_an_error(value, data):
    encoded = cbor.encode(value)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(ValueError, match="cbor"):
        cbor.decode(encoded[:cut])
