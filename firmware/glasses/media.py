# SPDX-License-Identifier: Apache-2.0
"""Media objects: audio, pictures and files, kept until the companion has them.

An object is announced by a MEDIA event and ends with a MEDIA_END event, once the glasses have all
of it. The companion asks for ranges of its bytes, grants the notifications that carry them, and
releases it; SPEC.md has the bytes.
"""

import asyncio
import binascii
import os
import random
import struct
import time

from glasses.protocol import (
    EVENT_MEDIA,
    EVENT_MEDIA_END,
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

# What is kept for a companion that is late: so many objects, bytes in all, and for so long.
OBJECTS_MAX = 8
KEPT_BYTES_MAX = 393216
KEPT_MS_MAX = 300000
EXPIRE_EVERY_MS = 10000
# Of a recording, the last 16 s: as long as the link may be away.
RING_BYTES_MAX = 128000
# An event record has no room for more.
ERROR_TEXT_MAX = 100
# Of a file, so much is summed up at once.
SUM_BYTES = 4096
# Sound is sent in pieces of 20 ms or more while it is recorded.
AUDIO_LEAST_BYTES = 160
# Requests for what is gone that may wait for their answer.
ABSENT_MAX = 8
# A link-layer packet, and what L2CAP and ATT take of it: notifications that fill whole packets.
LL_BYTES = 251
LL_HEADER_BYTES = 7


def payload_bytes(room):
    """The longest notification of at most `room` bytes that leaves no small packet at its end."""
    packets = (room + LL_HEADER_BYTES) // LL_BYTES
    return packets * LL_BYTES - LL_HEADER_BYTES if packets else room


class Object:
    """Bytes that fill up. Those that `data` has no room for push the oldest out.

    Attributes:
        bytes: Length of the whole object.
        filled_bytes: Of it, what there is so far.
        crc: CRC-32 of what there is so far.
        ended: Whether its end has been announced.
    """

    def __init__(self, id, kind, nbytes, data):
        self.id = id
        self.kind = kind
        self.bytes = nbytes
        self.filled_bytes = 0
        self.crc = 0
        self.ended = False
        self.data = memoryview(data)
        # As much of what was filled last as there still is.
        self.kept_bytes = len(data)
        self.opened_ms = time.ticks_ms()
        # What the companion wants: start, stop, start, stop...
        self.ranges = []
        self.absent = False

    @property
    def whole(self):
        return self.filled_bytes == self.bytes

    def room(self, nbytes):
        """The next `nbytes` to be filled, which must divide a ring's length; then call `fill`."""
        at = self.filled_bytes % (len(self.data) or 1)  # a picture may be empty
        return self.data[at : at + nbytes]

    def fill(self, nbytes):
        """The next `nbytes` are there."""
        self.crc = binascii.crc32(self.room(nbytes), self.crc)
        self.filled_bytes += nbytes

    def read(self, start, into):
        """Copies what is there from `start` on; returns how many bytes. Raises OSError."""
        at = start % (len(self.data) or 1)
        size = min(len(into), len(self.data) - at)
        into[:size] = self.data[at : at + size]
        return size

    def close(self):
        """Nothing will be read any more."""

    def want(self, ranges):
        """Sends `ranges` (start, stop, start, stop...) next, in place of what is left of others."""
        self.ranges = []
        for i in range(0, len(ranges), 2):
            start, stop = ranges[i], min(ranges[i + 1], self.bytes)
            if start < stop:
                self.ranges += (start, stop)

    def ready_bytes(self):
        """How much of the first range can be sent now."""
        if not self.ranges:
            return 0
        return min(self.filled_bytes, self.ranges[1]) - self.ranges[0]


class File(Object):
    """A file on the flash, read as it is sent. Raises OSError: there is none."""

    def __init__(self, id, path):
        super().__init__(id, FILE, os.stat(path)[6], b"")
        self.filled_bytes = self.kept_bytes = self.bytes
        self._file = open(path, "rb")

    def read(self, start, into):
        self._file.seek(start)
        return self._file.readinto(into)

    def close(self):
        self._file.close()

    def sum(self, at, piece):
        """Adds `piece` or less of it, from `at` on, to the CRC-32; returns where it goes on."""
        size = self.read(at, piece)
        if not size:
            raise OSError("the file has become shorter")
        self.crc = binascii.crc32(piece[:size], self.crc)
        return at + size


class Outbox:
    """The objects that are kept; audio goes out before photos, and both before files."""

    def __init__(self, journal):
        self.on_data = None
        self.on_cancel = None
        self._journal = journal
        self._objects = []
        # Not those of an earlier run, which a companion may still speak of.
        self._next_id = random.getrandbits(16) or 1
        self._credits = 0
        self._absent = []
        self._summing = asyncio.Event()
        self._chunk = memoryview(bytearray(2 * LL_BYTES))
        self._sending = None
        self._sending_bytes = 0

    # Objects.

    def reserve(self):
        """An id for an object that will be opened, or refused, later."""
        id = self._next_id
        self._next_id = id % 0xFFFF + 1
        return id

    def open(self, id, kind, nbytes, data, **about):
        """Announces an object of `nbytes` bytes; `fill` and `filled` give it data, `end` ends it.

        Raises MemoryError when what is kept already leaves no room for `data`.
        """
        self._make_room(len(data))
        item = Object(id, kind, nbytes, data)
        self._announce(id, kind, nbytes, about)
        self._objects.append(item)
        return item

    def keep(self, file, **about):
        """Announces a File; `run` sums it up, and ends it. Raises MemoryError as `open` does."""
        try:
            self._make_room(0)
        except MemoryError:
            file.close()
            raise
        self._announce(file.id, FILE, file.bytes, about)
        self._objects.append(file)
        self._summing.set()

    def refuse(self, id, kind, error, **about):
        """Announces an object that there will not be, and why."""
        self._announce(id, kind, 0, about)
        self._journal.append(EVENT_MEDIA_END, {"id": id, "error": error})

    def _announce(self, id, kind, nbytes, about):
        about.update({"id": id, "kind": kind, "bytes": nbytes})
        self._journal.append(EVENT_MEDIA, about)

    def filled(self):
        """Says that an object got data."""
        if self.on_data:
            self.on_data()

    def end(self, item):
        """The object gets no more data: announces its CRC-32, and its length if that is another."""
        about = {"id": item.id, "crc": item.crc}
        if not item.whole:
            item.bytes = about["bytes"] = item.filled_bytes
        item.ended = True
        self._journal.append(EVENT_MEDIA_END, about)

    def _make_room(self, nbytes):
        kept = sum(len(item.data) for item in self._objects)
        for item in list(self._objects):
            if kept + nbytes <= KEPT_BYTES_MAX and len(self._objects) < OBJECTS_MAX:
                return
            if item.ended:
                self._forget(item)
                kept -= len(item.data)
        if kept + nbytes > KEPT_BYTES_MAX or len(self._objects) >= OBJECTS_MAX:
            raise MemoryError("no room for an object of %d bytes beside %d" % (nbytes, kept))

    def expire(self):
        """Forgets objects that nobody came for."""
        now = time.ticks_ms()
        for item in list(self._objects):
            if item.ended and time.ticks_diff(now, item.opened_ms) > KEPT_MS_MAX:
                self._forget(item)

    def _forget(self, item):
        self._objects.remove(item)
        item.close()

    async def run(self):
        """Lets objects grow old and sums files up, for ever."""
        await asyncio.gather(self._grow_old(), self._sum_up())

    async def _grow_old(self):
        while True:
            await asyncio.sleep_ms(EXPIRE_EVERY_MS)
            self.expire()

    async def _sum_up(self):
        piece = memoryview(bytearray(SUM_BYTES))
        while True:
            await self._summing.wait()
            self._summing.clear()
            for file in [item for item in self._objects if item.kind == FILE and not item.ended]:
                at = 0
                try:
                    while at < file.bytes and file in self._objects:
                        at = file.sum(at, piece)
                        await asyncio.sleep_ms(0)
                    if file in self._objects:
                        self.end(file)
                except OSError as error:
                    self._forget(file)
                    about = {"id": file.id, "error": str(error)[:ERROR_TEXT_MAX]}
                    self._journal.append(EVENT_MEDIA_END, about)

    # The companion's wishes.

    def receive(self, data):
        """Takes what the companion wrote; what is no command is ignored."""
        if len(data) < 3:
            return
        command, number = struct.unpack_from("<BH", data)
        count, rest = divmod(len(data) - 3, 8)
        if command == MEDIA_CREDIT and len(data) == 3:
            self._credits = number
        elif command == MEDIA_RELEASE and len(data) == 3:
            self._release(number)
        elif command == MEDIA_WANT and not rest and 0 < count <= LIMIT_MEDIA_RANGES:
            item = self._find(number)
            if item:
                item.want(struct.unpack_from("<%dI" % (2 * count), data, 3))
            elif number not in self._absent and len(self._absent) < ABSENT_MAX:
                self._absent.append(number)

    def lost(self):
        """The companion is gone, and with it what it wanted."""
        self._credits = 0
        self._absent.clear()
        for item in self._objects:
            item.ranges = []
            item.absent = False

    def _find(self, id):
        for item in self._objects:
            if item.id == id:
                return item

    def _release(self, id):
        item = self._find(id)
        if item is None:
            return
        self._forget(item)
        if not item.ended:
            self._journal.append(EVENT_MEDIA_END, {"id": id, "error": "cancelled"})
            if self.on_cancel:
                self.on_cancel(item)

    # What goes out.

    def chunk(self, nbytes):
        """The next notification, of at most `nbytes`, or None; `sent` says that it is on its way.

        Valid until the next call.
        """
        if not self._credits:
            return None
        size = 0
        start = 0
        item = None
        if self._absent:
            id = self._absent[0]
        else:
            item = self._next()
            if item is None:
                return None
            id = item.id
        if item and not item.absent:
            start = item.ranges[0]
            size = min(item.ready_bytes(), nbytes - LIMIT_MEDIA_HEADER_BYTES)
            into = self._chunk[LIMIT_MEDIA_HEADER_BYTES : LIMIT_MEDIA_HEADER_BYTES + size]
            try:
                size = item.read(start, into)
            except OSError:
                size = 0
            if not size:
                item.ranges = []
                item.absent = True
                start = 0
        struct.pack_into("<HI", self._chunk, 0, id, start)
        self._sending = item
        self._sending_bytes = size
        return self._chunk[: LIMIT_MEDIA_HEADER_BYTES + size]

    def sent(self):
        """The chunk given last is on its way."""
        self._credits -= 1
        item = self._sending
        if item is None:
            self._absent.pop(0)
        elif item.absent:
            item.absent = False
        else:
            item.ranges[0] += self._sending_bytes
            if item.ranges[0] >= item.ranges[1]:
                item.ranges.pop(0)
                item.ranges.pop(0)

    def _next(self):
        """The object that has something to send and goes first, or None."""
        found = None
        for item in self._objects:
            if item.ranges and item.ranges[0] < item.filled_bytes - item.kept_bytes:
                item.ranges = []  # pushed out by what came later
                item.absent = True
            if item.absent:
                return item
            ready = item.ready_bytes()
            if ready <= 0:
                continue
            if item.kind == AUDIO:
                if (
                    ready >= AUDIO_LEAST_BYTES
                    or item.ended
                    or item.ranges[0] + ready == item.ranges[1]
                ):
                    return item
            elif found is None or KINDS.index(item.kind) < KINDS.index(found.kind):
                found = item
        return found
