# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests with every wrong type in every place, and whether the table allows them."""

import struct

import cbor2
from glasses.requests import REQUESTS

ROWS = [row for rows in REQUESTS.values() for row in rows]
KINDS = {"int": int, "text": str, "bytes": bytes, "bool": bool, "list": list, "map": dict}


def _nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


WRONG = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 64) - 1,
    -(1 << 63),
    0.0,
    1.5,
    -1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    "x",
    "\0",
    "é" * 40,
    "x" * 400,
    b"",
    b"\xff",
    bytes(32),
    bytes(400),
    [],
    [1],
    ["a", "b"],
    _nested(6),
    {},
    {"a": 1},
    {1: {"b": [None]}},
]


def allows(row, value):
    """Whether a row of the table allows a value, None for none."""
    _, kind, low, high, required = row
    if value is None:
        return not required
    if type(value) is not KINDS[kind]:
        return False
    if low is None:
        return True
    size = value if kind == "int" else len(value.encode() if kind == "text" else value)
    return low <= size <= high


def _fitting(row):
    _, kind, low, _, _ = row
    low = low or 0
    return {
        "int": low,
        "text": "x" * low,
        "bytes": bytes(low),
        "bool": False,
        "list": [],
        "map": {},
    }[kind]


def _beyond(row):
    """Just outside of the bounds."""
    _, kind, low, high, _ = row
    if kind == "int":
        return [low - 1, high + 1]
    if kind in ("text", "bytes") and high < 900:
        return [("x" if kind == "text" else b"x") * (high + 1)]
    return []


def bodies(rows):
    """Bodies of a request, each with one thing that may be wrong in it, or no map at all."""
    good = {row[0]: _fitting(row) for row in rows if row[4]}
    for row in rows:
        for value in [*WRONG, *_beyond(row)]:
            yield {**good, row[0]: value}
        yield {name: value for name, value in good.items() if name != row[0]}
    yield from (value for value in WRONG if not isinstance(value, dict))
    yield {0: "zero"} | {-1: 1}


def wrong_requests():
    """(group, command, op, body) of all requests that the table forbids."""
    return [
        (*key, body)
        for key, rows in REQUESTS.items()
        for body in bodies(rows)
        if not isinstance(body, dict) or not all(allows(row, body.get(row[0])) for row in rows)
    ]


def frame(group, command, op, body, sequence):
    """The bytes of a request."""
    data = cbor2.dumps(body)
    return struct.pack(">BBHHBB", 8 | op, 0, len(data), group, sequence, command) + data
