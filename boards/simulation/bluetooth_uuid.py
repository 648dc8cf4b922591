# SPDX-License-Identifier: Apache-2.0
"""`bluetooth.UUID` of emulated boards.

It does what MicroPython 1.25.0's extmod/modbluetooth.c does: bluetooth_uuid_make_new (line 98; what
has 2, 4 or 16 bytes is taken for bytes, even a string), bluetooth_uuid_unary_op (154),
bluetooth_uuid_binary_op (166) and bluetooth_uuid_print (190).
"""

import struct


class UUID:
    """A 16-, 32- or 128-bit UUID: from a number, 2, 4 or 16 little-endian bytes, or text."""

    def __init__(self, value):
        if isinstance(value, int):
            if value > 0xFFFF:
                raise ValueError("invalid UUID")
            self._bytes = struct.pack("<H", value & 0xFFFF)
            return
        if isinstance(value, UUID):
            value = value._bytes
        text = value.encode() if isinstance(value, str) else bytes(value)
        if len(text) in (2, 4, 16):
            self._bytes = text
            return
        digits = text.replace(b"-", b"")
        for c in digits:
            if not (48 <= c <= 57 or 65 <= c <= 70 or 97 <= c <= 102):
                raise ValueError("invalid char in UUID")
        if len(digits) != 32:
            raise ValueError("UUID too long" if len(digits) > 32 else "UUID too short")
        self._bytes = bytes(int(digits[i : i + 2], 16) for i in range(30, -1, -2))

    # The C type has the buffer protocol, which a class cannot: with these, bytes(uuid) works.
    def __iter__(self):
        return iter(self._bytes)

    def __len__(self):
        return len(self._bytes)

    def __hash__(self):
        return hash(self._bytes)

    def __eq__(self, other):
        return isinstance(other, UUID) and self._bytes == other._bytes

    def _sort_key(self, other):
        if not isinstance(other, UUID):
            raise TypeError("unsupported types for comparison")
        # UUIDs of different kinds are compared by their lengths alone there (line 182).
        return (len(self._bytes), self._bytes)

    def __lt__(self, other):
        return self._sort_key(other) < other._sort_key(self)

    def __le__(self, other):
        return self._sort_key(other) <= other._sort_key(self)

    def __gt__(self, other):
        return self._sort_key(other) > other._sort_key(self)

    def __ge__(self, other):
        return self._sort_key(other) >= other._sort_key(self)

    def __repr__(self):
        digits = "".join("%02x" % b for b in reversed(self._bytes))
        if len(digits) <= 8:
            return "UUID(0x%s)" % digits
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        return "UUID('%s')" % "-".join(parts)
