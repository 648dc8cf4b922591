# SPDX-License-Identifier: Apache-2.0
"""Checks the arguments of a request against the tables of requests.py."""


class KindError(ValueError):
    """An argument is missing, or of another type."""


class RangeError(ValueError):
    """An argument is too small, too large or too long."""


_TYPES = {"int": int, "text": str, "bytes": bytes, "bool": bool, "list": list, "map": dict}
_NAMES = {
    "int": "an integer",
    "text": "text",
    "bytes": "bytes",
    "bool": "true or false",
    "list": "a list",
    "map": "a map",
}
_UNITS = {"int": "", "text": " bytes", "bytes": " bytes", "list": " items"}


def check(rows, body):
    """Raises KindError or RangeError, whose text is for people, for a body that `rows` forbid.

    Args:
        rows: A row of requests.REQUESTS.
        body: The request's map. Optional arguments that are null are removed.
    """
    if not isinstance(body, dict):
        raise KindError("a request takes a map")
    for row in rows:
        name, required = row[0], row[4]
        if body.get(name) is None:
            if required:
                raise KindError(name + " is missing")
            body.pop(name, None)
        else:
            check_value(row, body[name])


def check_value(row, value):
    """Raises KindError or RangeError for a value that one row forbids."""
    name, kind, low, high, _ = row
    if not isinstance(value, _TYPES[kind]) or (kind == "int" and isinstance(value, bool)):
        raise KindError("%s has to be %s" % (name, _NAMES[kind]))
    if low is None:
        return
    size = value if kind == "int" else len(value.encode() if kind == "text" else value)
    if not low <= size <= high:
        raise RangeError("%s takes %d to %d%s" % (name, low, high, _UNITS[kind]))
