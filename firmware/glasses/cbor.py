# SPDX-License-Identifier: Apache-2.0
"""CBOR (RFC 8949): what SMP and the event records need, and nothing that hostile input could grow.

Integers up to 64 bits, byte and text strings, arrays, maps, booleans, null and floats; no tags.
"""

import struct

DEPTH_MAX = 8


def encode(value):
    """The encoding of `value`. Raises ValueError for a type that CBOR, as used here, has not."""
    out = bytearray()
    _encode(value, out)
    return bytes(out)


def _head(major, n, out):
    major <<= 5
    if n < 24:
        out.append(major | n)
    elif n < 0x100:
        out.append(major | 24)
        out.append(n)
    elif n < 0x10000:
        out.append(major | 25)
        out.extend(struct.pack(">H", n))
    elif n < 0x100000000:
        out.append(major | 26)
        out.extend(struct.pack(">I", n))
    else:
        out.append(major | 27)
        out.extend(struct.pack(">Q", n))


def _encode(value, out):
    if value is None:
        out.append(0xF6)
    elif value is True:
        out.append(0xF5)
    elif value is False:
        out.append(0xF4)
    elif isinstance(value, int):
        if value >= 0:
            _head(0, value, out)
        else:
            _head(1, -1 - value, out)
    elif isinstance(value, float):
        out.append(0xFA)
        out.extend(struct.pack(">f", value))
    elif isinstance(value, str):
        data = value.encode()
        _head(3, len(data), out)
        out.extend(data)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        _head(2, len(value), out)
        out.extend(value)
    elif isinstance(value, (list, tuple)):
        _head(4, len(value), out)
        for item in value:
            _encode(item, out)
    elif isinstance(value, dict):
        _head(5, len(value), out)
        for key, item in value.items():
            _encode(key, out)
            _encode(item, out)
    else:
        raise ValueError("cbor: cannot encode " + type(value).__name__)


def cut(text, nbytes):
    """As much of a text as fits into `nbytes` of UTF-8."""
    text = text[:nbytes]
    while len(text.encode()) > nbytes:
        text = text[:-1]
    return text


def decode(data):
    """The one value that `data` holds. Raises ValueError when it is anything else."""
    reader = _Reader(data)
    value = reader.value(0)
    if value is _BREAK:
        raise ValueError("cbor: break out of place")
    if reader.left():
        raise ValueError("cbor: %d bytes after the value" % reader.left())
    return value


_BREAK = object()


def _half(bits):
    """A half precision float (RFC 8949, appendix D); MicroPython's struct has none."""
    sign = -1.0 if bits & 0x8000 else 1.0
    exponent, fraction = bits >> 10 & 31, bits & 0x3FF
    if exponent == 0:
        return sign * fraction * 2**-24
    if exponent < 31:
        return sign * (fraction + 1024) * 2.0 ** (exponent - 25)
    return sign * float("nan" if fraction else "inf")


class _Reader:
    def __init__(self, data):
        self._data = memoryview(data)
        self._at = 0

    def left(self):
        return len(self._data) - self._at

    def _take(self, n):
        if n > self.left():
            raise ValueError("cbor: cut short")
        piece = self._data[self._at : self._at + n]
        self._at += n
        return piece

    def value(self, depth):
        if depth > DEPTH_MAX:
            raise ValueError("cbor: nested deeper than %d" % DEPTH_MAX)
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if info == 31 and major in (4, 5):
            n = None  # until a break
        elif major == 7:
            return self._simple(info)
        elif info < 24:
            n = info
        elif info < 28:
            n = int.from_bytes(self._take(1 << (info - 24)), "big")
        else:
            raise ValueError("cbor: head 0x%02x is not used here" % first)
        if major == 0:
            return n
        if major == 1:
            return -1 - n
        if major == 2:
            return bytes(self._take(n))
        if major == 3:
            try:
                return str(self._take(n), "utf-8")
            except UnicodeError:
                raise ValueError("cbor: text is not UTF-8")
        if major == 4:
            return self._array(n, depth)
        if major == 5:
            return self._map(n, depth)
        raise ValueError("cbor: tags are not used here")

    def _simple(self, info):
        if info == 20:
            return False
        if info == 21:
            return True
        if info in (22, 23):
            return None
        if info == 25:
            return _half(int.from_bytes(self._take(2), "big"))
        if info == 26:
            return struct.unpack(">f", self._take(4))[0]
        if info == 27:
            return struct.unpack(">d", self._take(8))[0]
        if info == 31:
            return _BREAK
        raise ValueError("cbor: simple value %d is not used here" % info)

    def _item(self, depth, in_open):
        value = self.value(depth)
        if value is _BREAK and not in_open:
            raise ValueError("cbor: break out of place")
        return value

    def _array(self, n, depth):
        # Every item takes a byte at least: a count beyond that is a lie, found early.
        if n is not None and n > self.left():
            raise ValueError("cbor: cut short")
        items = []
        while n is None or len(items) < n:
            item = self._item(depth + 1, n is None)
            if item is _BREAK:
                break
            items.append(item)
        return items

    def _map(self, n, depth):
        if n is not None and 2 * n > self.left():
            raise ValueError("cbor: cut short")
        items = {}
        count = 0
        while n is None or count < n:
            key = self._item(depth + 1, n is None)
            if key is _BREAK:
                break
            if not isinstance(key, (int, str)):
                raise ValueError("cbor: a key is text or a number")
            items[key] = self._item(depth + 1, False)
            count += 1
        return items
