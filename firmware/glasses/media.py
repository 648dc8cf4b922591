# SPDX-License-Identifier: Apache-2.0
"""Media objects: audio and pictures on their way to the companion.

An object is announced by a MEDIA event, goes out in chunks that carry its id and their offset, and
ends with a MEDIA_END event that carries its CRC-32 or the reason why it was given up.
"""

import binascii

from glasses.protocol import EVENT_MEDIA, EVENT_MEDIA_END

AUDIO = "audio"
PHOTO = "photo"


class Object:
    """Bytes that fill up and are sent as they do."""

    def __init__(self, id, kind, data):
        self.id = id
        self.kind = kind
        self.filled_bytes = 0
        self.sent_bytes = 0
        self.error = None
        self.crc = 0
        self._data = memoryview(data)

    def __len__(self):
        return len(self._data)

    def room(self, nbytes):
        """The next `nbytes` to be filled; say so with `fill`."""
        return self._data[self.filled_bytes : self.filled_bytes + nbytes]

    def fill(self, nbytes):
        self.filled_bytes += nbytes

    def chunk(self, nbytes):
        """At most `nbytes` to send next."""
        return self._data[self.sent_bytes : min(self.filled_bytes, self.sent_bytes + nbytes)]

    def sent(self, chunk):
        self.crc = binascii.crc32(chunk, self.crc)
        self.sent_bytes += len(chunk)

    @property
    def done(self):
        return self.error is not None or self.sent_bytes == len(self._data)


class Outbox:
    """The objects under way, in the order in which they go out: audio before photos."""

    def __init__(self, journal):
        self._journal = journal
        self._objects = []
        self._next_id = 1
        self.on_data = None

    def reserve(self):
        """An id for an object that will be opened, or given up, later."""
        id = self._next_id
        self._next_id = id % 0xFFFF + 1
        return id

    def open(self, id, kind, data, **about):
        """Announces an object of `len(data)` bytes; `fill` and `filled` give it data."""
        item = Object(id, kind, data)
        about.update({"id": item.id, "kind": kind, "bytes": len(data)})
        self._journal.append(EVENT_MEDIA, about)
        self._objects.append(item)
        return item

    def filled(self):
        """Says that an object got data."""
        if self.on_data:
            self.on_data()

    def next(self):
        """The object that has something to send and goes first, or None."""
        found = None
        for item in self._objects:
            if item.sent_bytes < item.filled_bytes:
                if item.kind == AUDIO:
                    return item
                found = found or item
        return found

    def close_done(self):
        """Ends what is sent whole or given up."""
        for item in [item for item in self._objects if item.done]:
            self._objects.remove(item)
            if item.error is None:
                end = {"id": item.id, "crc": item.crc}
            else:
                end = {"id": item.id, "error": item.error}
            self._journal.append(EVENT_MEDIA_END, end)

    def give_up(self, error):
        """Ends every object under way with `error`."""
        for item in self._objects:
            item.error = error
        self.close_done()
