# SPDX-License-Identifier: Apache-2.0
"""The journal: every event has a sequence number and stays until the companion acknowledges it."""

import struct
import time
from collections import deque

from glasses import cbor
from glasses.protocol import EVENT_GAP, LIMIT_EVENT_BYTES

# As many records as a companion out of earshot can leave unread before the oldest go.
KEPT_MAX = 256


class Journal:
    """Event records: u32 sequence, u32 time_ms since boot, u8 type, CBOR map (little endian)."""

    def __init__(self):
        self.next = 1
        self.on_append = None
        self._records = deque((), KEPT_MAX)
        self._start_ms = time.ticks_ms()
        self._time_ms = 0

    @property
    def first(self):
        """Sequence number of the oldest record kept."""
        return self.next - len(self._records)

    def time_ms(self):
        """Milliseconds since boot; called once in a ticks period (6 days), it does not wrap."""
        now = time.ticks_ms()
        self._time_ms += time.ticks_diff(now, self._start_ms)
        self._start_ms = now
        return self._time_ms

    def append(self, kind, body):
        """Writes an event and returns its sequence number. Raises ValueError: too long."""
        sequence = self.next
        record = self._record(sequence, kind, body)
        self._records.append(record)  # drops the oldest when full
        self.next += 1
        if self.on_append:
            self.on_append()
        return sequence

    def read(self, sequence):
        """The record to send for `sequence`; a gap record stands for what was dropped unread."""
        first = self.first
        if sequence >= first:
            return self._records[sequence - first]
        return self._record(first - 1, EVENT_GAP, {"count": first - sequence})

    def acknowledge(self, sequence):
        """Forgets the records up to and with `sequence`."""
        while self._records and self.first <= sequence:
            self._records.popleft()

    def _record(self, sequence, kind, body):
        record = struct.pack("<IIB", sequence, self.time_ms() & 0xFFFFFFFF, kind) + cbor.encode(
            body
        )
        if len(record) > LIMIT_EVENT_BYTES:
            raise ValueError("event of %d bytes; at most %d" % (len(record), LIMIT_EVENT_BYTES))
        return record
