# SPDX-License-Identifier: Apache-2.0
"""Media objects: audio, pictures and files, kept until the companions have received them.

An object is announced by a MEDIA event and ends with a MEDIA_END event, once the glasses have all
of it. What companions want of it is in wishes.py.
"""

import asyncio
import binascii
import os
import random
import time

from glasses.protocol import EVENT_MEDIA, EVENT_MEDIA_END
from glasses.wishes import FILE, Wishes

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
# A link-layer packet, and what L2CAP and ATT take of it: notifications that fill whole packets.
LL_BYTES = 251
LL_HEADER_BYTES = 7


def payload_bytes(room):
    """The longest notification of at most `room` bytes that leaves no small packet at its end."""
    packets = (room + LL_HEADER_BYTES) // LL_BYTES
    return packets * LL_BYTES - LL_HEADER_BYTES if packets else room


class Object:
    """Bytes that are filled in step by step. If `data` is too small, new bytes push out the oldest.

    Attributes:
        bytes: Length of the whole object.
        filled_bytes: Of it, what there is so far.
        crc: CRC-32 of what there is, once it has ended.
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
        """Releases it: nothing will be read any more."""


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
    """The objects that are kept; audio goes out before photos, and both before files.

    Attributes:
        objects: The objects, the oldest first.
    """

    def __init__(self, journal):
        self.on_data = None
        self.on_cancel = None
        self._journal = journal
        self.objects = []
        # Not those of an earlier run, which a companion may still speak of.
        self._next_id = random.getrandbits(16) or 1
        self._summing = asyncio.Event()
        self._wishes = []

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
        self.objects.append(item)
        return item

    def keep(self, file, **about):
        """Announces a File; `run` sums it up, and ends it. Raises MemoryError as `open` does."""
        try:
            self._make_room(0)
        except MemoryError:
            file.close()
            raise
        self._announce(file.id, FILE, file.bytes, about)
        self.objects.append(file)
        self._summing.set()

    def refuse(self, id, kind, error, **about):
        """Announces an object that will not come, and why."""
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
        kept = sum(len(item.data) for item in self.objects)
        for item in list(self.objects):
            if kept + nbytes <= KEPT_BYTES_MAX and len(self.objects) < OBJECTS_MAX:
                return
            if item.ended:
                self._forget(item)
                kept -= len(item.data)
        if kept + nbytes > KEPT_BYTES_MAX or len(self.objects) >= OBJECTS_MAX:
            raise MemoryError("no room for an object of %d bytes beside %d" % (nbytes, kept))

    def expire(self):
        """Forgets objects that nobody fetched."""
        now = time.ticks_ms()
        for item in list(self.objects):
            if item.ended and time.ticks_diff(now, item.opened_ms) > KEPT_MS_MAX:
                self._forget(item)

    def _forget(self, item):
        self.objects.remove(item)
        for wishes in self._wishes:
            wishes.forget(item.id)
        item.close()

    async def run(self):
        """Expires objects and computes the CRCs of files, until cancelled."""
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
            for file in [item for item in self.objects if item.kind == FILE and not item.ended]:
                at = 0
                try:
                    while at < file.bytes and file in self.objects:
                        at = file.sum(at, piece)
                        await asyncio.sleep_ms(0)
                    if file in self.objects:
                        self.end(file)
                except OSError as error:
                    self._forget(file)
                    about = {"id": file.id, "error": str(error)[:ERROR_TEXT_MAX]}
                    self._journal.append(EVENT_MEDIA_END, about)

    # The companions' wishes.

    def begin(self):
        """The wishes of one more companion; `end_wishes` when it has gone."""
        wishes = Wishes(self)
        self._wishes.append(wishes)
        return wishes

    def end_wishes(self, wishes):
        """A companion has gone, and with it what it wanted."""
        self._wishes.remove(wishes)

    def find(self, id):
        """The object of this id, or None."""
        for item in self.objects:
            if item.id == id:
                return item

    def release(self, id):
        """Forgets an object that one companion has no need of, unless another may want it."""
        item = self.find(id)
        for wishes in self._wishes:
            if wishes.wants(id) or (item.ended and not wishes.has_released(id)):
                return
        self._forget(item)
        if not item.ended:
            self._journal.append(EVENT_MEDIA_END, {"id": id, "error": "cancelled"})
            if self.on_cancel:
                self.on_cancel(item)
