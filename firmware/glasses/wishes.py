# SPDX-License-Identifier: Apache-2.0
"""One companion's requests for media objects, and what is sent to it next.

It asks for ranges of an object's bytes, grants the notifications that carry them, and releases it;
SPEC.md has the bytes.
"""

import struct

from glasses.protocol import (
    LIMIT_MEDIA_HEADER_BYTES,
    LIMIT_MEDIA_RANGES,
    MEDIA_CREDIT,
    MEDIA_RELEASE,
    MEDIA_WANT,
)

AUDIO = "audio"
PHOTO = "photo"
FILE = "file"
# What goes first.
KINDS = (AUDIO, PHOTO, FILE)

# Sound is sent in pieces of 20 ms or more while it is recorded.
AUDIO_LEAST_BYTES = 160
# Requests for what is gone that may wait for their answer.
ABSENT_MAX = 8
# The longest chunk: two link-layer packets.
CHUNK_BYTES = 502


class Wishes:
    """One companion's, of the objects in `outbox`."""

    def __init__(self, outbox):
        self._outbox = outbox
        self._chunk = memoryview(bytearray(CHUNK_BYTES))
        self._sending = None
        self._sending_bytes = 0
        self.clear()

    def clear(self):
        """Forgets all requests and grants."""
        self._credits = 0
        self._ranges = {}  # id -> start, stop, start, stop... of what is still to be sent
        self._absent = []  # ids of which it is to be told that they, or what it wants, are gone
        self._released = []

    def receive(self, data):
        """Takes what the companion wrote; what is no command is ignored."""
        if len(data) < 3:
            return
        command, number = struct.unpack_from("<BH", data)
        count, rest = divmod(len(data) - 3, 8)
        if command == MEDIA_CREDIT and len(data) == 3:
            self._credits = number
        elif command == MEDIA_RELEASE and len(data) == 3:
            self._ranges.pop(number, None)
            if number in self._absent:
                self._absent.remove(number)
            if self._outbox.find(number):
                self._released.append(number)
                self._outbox.release(number)
        elif command == MEDIA_WANT and not rest and 0 < count <= LIMIT_MEDIA_RANGES:
            item = self._outbox.find(number)
            if item:
                self._want(item, struct.unpack_from("<%dI" % (2 * count), data, 3))
            elif number not in self._absent and len(self._absent) < ABSENT_MAX:
                self._absent.append(number)

    def _want(self, item, ranges):
        """Sends `ranges` of it next, in place of what is left of others."""
        wanted = []
        for i in range(0, len(ranges), 2):
            start, stop = ranges[i], min(ranges[i + 1], item.bytes)
            if start < stop:
                wanted += (start, stop)
        self._ranges[item.id] = wanted

    def wants(self, id):
        """Whether it has asked for the object, and neither released it nor been told it is gone."""
        return id in self._ranges

    def has_released(self, id):
        """Whether it needs the object no more."""
        return id in self._released

    def forget(self, id):
        """The object is kept no more; that it is gone is told when it is asked for."""
        self._ranges.pop(id, None)
        if id in self._released:
            self._released.remove(id)
        if self._sending is not None and self._sending.id == id:
            self._sending = None

    # What goes out.

    def chunk(self, nbytes):
        """Returns the next notification, of at most `nbytes`, or None; `sent` follows.

        Valid until the next call.
        """
        if not self._credits:
            return None
        item = None if self._absent else self._next()
        if item is not None:
            start = self._ranges[item.id][0]
            size = min(self._ready_bytes(item), nbytes - LIMIT_MEDIA_HEADER_BYTES)
            into = self._chunk[LIMIT_MEDIA_HEADER_BYTES : LIMIT_MEDIA_HEADER_BYTES + size]
            try:
                size = item.read(start, into)
            except OSError:
                size = 0
            if size:
                struct.pack_into("<HI", self._chunk, 0, item.id, start)
                self._sending = item
                self._sending_bytes = size
                return self._chunk[: LIMIT_MEDIA_HEADER_BYTES + size]
            self._lose(item)
        if not self._absent:
            return None
        struct.pack_into("<HI", self._chunk, 0, self._absent[0], 0)
        self._sending = None
        return self._chunk[:LIMIT_MEDIA_HEADER_BYTES]

    def sent(self):
        """The chunk given last is on its way."""
        self._credits -= 1
        if self._sending is None:
            self._absent.pop(0)
            return
        ranges = self._ranges.get(self._sending.id)
        if ranges:
            ranges[0] += self._sending_bytes
            if ranges[0] >= ranges[1]:
                ranges.pop(0)
                ranges.pop(0)

    def _lose(self, item):
        """Tells the companion that the object is gone."""
        self._ranges[item.id] = []
        if item.id not in self._absent:
            self._absent.append(item.id)

    def _ready_bytes(self, item):
        """How much of the first range can be sent now."""
        ranges = self._ranges.get(item.id)
        return min(item.filled_bytes, ranges[1]) - ranges[0] if ranges else 0

    def _next(self):
        """The object that has something to send and goes first, or None."""
        found = None
        for item in self._outbox.objects:
            ranges = self._ranges.get(item.id)
            if not ranges:
                continue
            if ranges[0] < item.filled_bytes - item.kept_bytes:
                self._lose(item)  # pushed out by what came later
                return None
            ready = self._ready_bytes(item)
            if ready <= 0:
                continue
            if item.kind == AUDIO:
                if ready >= AUDIO_LEAST_BYTES or item.ended or ranges[0] + ready == ranges[1]:
                    return item
            elif found is None or KINDS.index(item.kind) < KINDS.index(found.kind):
                found = item
        return found
