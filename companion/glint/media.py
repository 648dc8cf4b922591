# SPDX-License-Identifier: Apache-2.0
"""Assembles media objects from their chunks, checks them, and limits the memory they take.

`fetch` decides what is requested, and when.
"""

import zlib

from glint.errors import MediaError, Reason
from glint.events import Media, MediaEnd
from glint.waiting import Broadcast

MAX_OBJECT_BYTES = 16 << 20  # Half an hour of audio.
_MAX_STORE_BYTES = 64 << 20
_MAX_STORE_OBJECTS = 256
_MAX_SPANS = 1024


class Transfer:
    """One object in transfer; what has arrived can be read before the rest has.

    Attributes:
        media: The event that announced it.
        bytes: Length of the whole object.
        received: Bytes that have arrived.
        released: Whether the glasses have been told to forget it.
        changed: Set off when more has arrived, or it has ended.
    """

    def __init__(self, media: Media) -> None:
        self.media = media
        self.bytes = media.bytes
        self.received = 0
        self.released = False
        self._data = bytearray()
        self._spans: list[
            tuple[int, int]
        ] = []  # What has arrived: disjoint ranges [start, stop), in order.
        self._crc: int | None = None
        self._error: Exception | None = None
        self.changed = Broadcast()

    @property
    def arrived(self) -> int:
        """The number of bytes from the start without a gap."""
        return self._spans[0][1] if self._spans and self._spans[0][0] == 0 else 0

    @property
    def complete(self) -> bool:
        """Whether nothing more is to come: it is complete, or has failed; `data()` tells which."""
        whole = self._crc is not None and self.received == self.bytes
        return whole or self._error is not None

    @property
    def kept_bytes(self) -> int:
        """The memory that it takes, in bytes."""
        return len(self._data)

    def missing(self) -> list[tuple[int, int]]:
        """Returns the ranges [start, stop) that have not arrived."""
        holes = []
        position = 0
        for start, stop in (*self._spans, (self.bytes, self.bytes)):
            if position < start:
                holes.append((position, start))
            position = stop
        return holes

    def read(self, start: int) -> bytes:
        """Returns what has arrived without a gap from an offset within `arrived` on."""
        return bytes(self._data[start : self.arrived])

    def data(self) -> bytes:
        """Returns the whole object.

        Raises:
            MediaError: It is incomplete, its CRC-32 is wrong, or the glasses gave it up.
        """
        if self._error:
            raise self._error
        name = f"{self.media.kind} {self.media.id}"
        if self.received != self.bytes or self._crc is None:
            raise MediaError(
                f"Only {self.received} of {self.bytes} bytes of {name} arrived: ask again."
            )
        crc = zlib.crc32(self._data)
        if crc != self._crc:
            raise MediaError(
                f"{name} arrived damaged (CRC-32 {crc:08x}, should be {self._crc:08x}): ask again.",
                reason=Reason.CORRUPTED,
            )
        return bytes(self._data)

    def add(self, offset: int, data: bytes) -> None:
        """Takes a chunk; what reaches beyond the announced length is ignored."""
        stop = min(offset + len(data), self.bytes)
        if self.complete or stop <= offset:
            return
        if len(self._data) < stop:
            self._data.extend(bytes(stop - len(self._data)))
        self._data[offset:stop] = data[: stop - offset]
        self._note(offset, stop)
        self.changed.set_off()

    def end(self, event: MediaEnd) -> None:
        """Takes the event that ends it."""
        if event.crc is None:
            name = f"{self.media.kind} {self.media.id}"
            self.fail(MediaError(f"The glasses gave up on {name}: {event.error}. Ask again."))
        elif not self.complete:
            if event.bytes is not None and self.received <= event.bytes < self.bytes:
                self.bytes = event.bytes
            self._crc = event.crc
            self.changed.set_off()

    def fail(self, error: Exception) -> None:
        """Ends it, unless it is already complete: `data()` will raise this error."""
        if not self.complete:
            self._error = error
            self.changed.set_off()

    def _note(self, start: int, stop: int) -> None:
        """Adds a range to those that have arrived, and joins adjacent ones."""
        if (
            self._spans and self._spans[-1][0] <= start <= self._spans[-1][1]
        ):  # Usually it continues the last one.
            first, last = self._spans[-1]
            self._spans[-1] = (first, max(last, stop))
        else:
            apart = [span for span in self._spans if span[1] < start or span[0] > stop]
            touching = [span for span in self._spans if span[1] >= start and span[0] <= stop]
            joined = (
                min(start, *(span[0] for span in touching), start),
                max(stop, *(span[1] for span in touching), stop),
            )
            self._spans = sorted((*apart, joined))
            if len(self._spans) > _MAX_SPANS:
                self.fail(
                    MediaError(f"{self.media.kind} {self.media.id} arrives in too many fragments.")
                )
        self.received = sum(last - first for first, last in self._spans)


class MediaStore:
    """The objects of one boot of the glasses; the oldest go when they take too much memory.

    Attributes:
        announced: Set off when another object is announced, or all have failed.
    """

    def __init__(self) -> None:
        self._transfers: dict[int, Transfer] = {}  # By id, the oldest first.
        self._taken_bytes = 0
        self.announced = Broadcast()

    def announce(self, media: Media) -> None:
        """Takes the event that announces an object."""
        known = self._transfers.get(media.id)
        if known and known.media.seq == media.seq:
            return
        if known:  # The ids have wrapped around.
            self._drop(media.id, MediaError(f"{known.media.kind} {media.id} has become too old."))
        transfer = self._transfers[media.id] = Transfer(media)
        if media.bytes > MAX_OBJECT_BYTES:
            transfer.fail(
                MediaError(
                    f"{media.kind} {media.id} is {media.bytes} bytes; "
                    f"{MAX_OBJECT_BYTES} are accepted: ask for less."
                )
            )
        if len(self._transfers) > _MAX_STORE_OBJECTS:
            self._drop_oldest()
        self.announced.set_off()

    def add(self, transfer: Transfer, offset: int, data: bytes) -> None:
        """Takes a piece of an object."""
        before = transfer.kept_bytes
        transfer.add(offset, data)
        self._taken_bytes += transfer.kept_bytes - before
        while self._taken_bytes > _MAX_STORE_BYTES:
            self._drop_oldest()

    def incomplete(self) -> list[Transfer]:
        """Returns the objects that are incomplete, the oldest first."""
        return [transfer for transfer in self._transfers.values() if not transfer.complete]

    def end(self, event: MediaEnd) -> None:
        """Takes the event that ends an object."""
        transfer = self._transfers.get(event.id)
        if transfer:
            transfer.end(event)

    def find(self, number: int) -> Transfer | None:
        """Returns an object by its id."""
        return self._transfers.get(number)

    def caused_by(self, seq: int) -> Transfer | None:
        """Returns the object that belongs to a wake event."""
        return next((t for t in self._transfers.values() if t.media.cause == seq), None)

    def drop(self, number: int) -> None:
        """Forgets an object that somebody has read, if it is there."""
        if number in self._transfers:
            self._drop(number, MediaError(f"Object {number} was read, and forgotten: ask again."))

    def fail(self, error: Exception) -> None:
        """Ends every object that is not complete."""
        for transfer in self._transfers.values():
            transfer.fail(error)
        self.announced.set_off()

    def forget(self, error: Exception) -> None:
        """Ends and forgets every object, as the glasses number theirs from the start again."""
        self.fail(error)
        self._transfers.clear()
        self._taken_bytes = 0

    def _drop_oldest(self) -> None:
        self._drop(
            next(iter(self._transfers)),
            MediaError("Too many media objects at once: ask for fewer."),
        )

    def _drop(self, number: int, error: MediaError) -> None:
        transfer = self._transfers.pop(number)
        self._taken_bytes -= transfer.kept_bytes
        transfer.fail(error)
