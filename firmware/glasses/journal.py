# SPDX-License-Identifier: Apache-2.0
"""The journal: every event has a sequence number and stays until the companion acknowledges it.

Records of the kinds in STORED are written to flash soon afterwards, and come first after a reboot.
"""

import asyncio
import os
import struct
import time
from binascii import crc32
from collections import deque

from glasses import cbor, storage
from glasses.protocol import (
    EVENT_BOOT,
    EVENT_BUTTON,
    EVENT_GAP,
    EVENT_NOTICE,
    EVENT_SEEN,
    EVENT_WAKE,
    LIMIT_EVENT_BYTES,
    LIMIT_EVENT_HEADER_BYTES,
)

# Of a notice's text, what an event has room for.
NOTICE_TEXT_BYTES = 110
# The most records kept for a companion that is out of range, before the oldest are dropped.
KEPT_MAX = 256
# What survives a reboot; the rest matters only for a moment, or concerns objects that do not.
STORED = (EVENT_BOOT, EVENT_WAKE, EVENT_SEEN, EVENT_BUTTON, EVENT_GAP, EVENT_NOTICE)
# Of it, so many of the newest: there must be room for as much again.
RESTORED_MAX = KEPT_MAX // 2
# A companion in range acknowledges sooner than this, and what it has read is not written.
SAVE_AFTER_MS = 300
# What glasses that watch see matters less: so many records wait for others to be saved with.
SEEN_UNSAVED_MAX = 32
# So much is added to the file before it is written anew, without what is acknowledged.
ADDED_BYTES_MAX = 16384

# Numbers of one boot end before 2^32: so long before, the glasses start anew.
RESTART_AT = 0xFFFFF000
# Records are not further apart on the flash than this; one that seems so is not to be trusted.
APART_MAX = 1 << 20

ENTRY = "<HI"  # length of what follows, CRC-32 of it
ENTRY_HEADER_BYTES = 6
ACKNOWLEDGED_BYTES = 4


def _entry(data):
    return struct.pack(ENTRY, len(data), crc32(data)) + data


def _stands_for(record, expected):
    """How many events a record from the flash stands for; 0 if it is invalid."""
    sequence, _, kind = struct.unpack_from("<IIB", record)
    try:
        body = cbor.decode(record[LIMIT_EVENT_HEADER_BYTES:])
    except ValueError:
        return 0
    if not isinstance(body, dict) or not 0 < sequence < expected + APART_MAX:
        return 0
    if kind != EVENT_GAP:
        return 1
    count = body.get("count")
    return count if isinstance(count, int) and 0 < count < APART_MAX else 0


class JournalFile:
    """Entries one after the other: records, and sequence numbers up to which all is acknowledged.

    Only ever appended to, or replaced as a whole: power may fail at any point. Reading ends at the
    first entry that is not whole.

    Attributes:
        bytes: How long it is, about.
    """

    def __init__(self, path):
        self.bytes = 0
        self._path = path

    def read(self):
        """(records in their order, highest number acknowledged)."""
        records = []
        acknowledged = 0
        try:
            with open(self._path, "rb") as file:
                while True:
                    header = file.read(ENTRY_HEADER_BYTES)
                    self.bytes += len(header)
                    if len(header) < ENTRY_HEADER_BYTES:
                        break
                    length, crc = struct.unpack(ENTRY, header)
                    if length > LIMIT_EVENT_BYTES:
                        break
                    data = file.read(length)
                    if len(data) < length or crc32(data) != crc:
                        break
                    if length == ACKNOWLEDGED_BYTES:
                        acknowledged = max(acknowledged, struct.unpack("<I", data)[0])
                    elif length > LIMIT_EVENT_HEADER_BYTES:
                        records.append(data)
        except OSError:
            pass  # none yet
        return records, acknowledged

    def append(self, pieces):
        """Adds records and acknowledgements. Raises OSError: some may be there, and half of one."""
        data = b"".join(_entry(piece) for piece in pieces)
        with open(self._path, "ab") as file:
            file.write(data)
        storage.wrote(len(data))
        self.bytes += len(data)

    def replace(self, pieces):
        """Holds `pieces`, and nothing else. Raises OSError: it holds what it held."""
        nbytes = 0
        try:
            with open(self._path + storage.NEW, "wb") as file:
                for piece in pieces:
                    nbytes += file.write(_entry(piece))
            os.rename(self._path + storage.NEW, self._path)
            storage.wrote(nbytes)
        except OSError:
            storage.remove(self._path + storage.NEW)
            raise
        self.bytes = nbytes


class Journal:
    """Event records: u32 sequence, u32 time_ms since boot, u8 type, CBOR map (little endian).

    Args:
        file: A JournalFile for what is to outlive a reboot, or None.

    Attributes:
        own: Sequence number of the first record of this boot.
        clock: What knows the time of day, with the attribute `offset_ms` of smp.system.Clock; or
            None. Records that outlive a reboot then say when they happened: nobody could tell
            later, from their milliseconds since a boot that is over.
    """

    def __init__(self, file=None):
        self.next = 1
        self.clock = None
        self.on_append = None
        self.on_exhausted = None
        self._records = deque((), KEPT_MAX)
        self._start_ms = time.ticks_ms()
        self._time_ms = 0
        self._file = file
        self._acknowledged = 0
        # What the file holds: looked at up to this number, the highest in it, the highest
        # acknowledged in it; and whether it has to be written anew.
        self._saved = 0
        self._stored = 0
        self._stored_acknowledged = 0
        self._broken = False
        self._whole_bytes = 0  # the file, when it was last written anew
        self._unsaved = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        if file:
            self._restore()
        self.own = self.next

    @property
    def first(self):
        """Sequence number of the oldest record kept."""
        return self.next - len(self._records)

    @property
    def unread(self):
        """The lowest number that is not acknowledged; less than `first` after an overrun."""
        return self._acknowledged + 1

    def time_ms(self):
        """Milliseconds since boot; called once in a ticks period (6 days), it does not wrap."""
        now = time.ticks_ms()
        self._time_ms += time.ticks_diff(now, self._start_ms)
        self._start_ms = now
        return self._time_ms

    def append(self, kind, body):
        """Writes an event and returns its sequence number. Raises ValueError: too long."""
        if kind in STORED and self.clock and self.clock.offset_ms is not None:
            body["utc"] = (self.clock.offset_ms + self.time_ms()) // 1000
        sequence = self._keep(self._record(self.next, kind, body))
        watched = kind == EVENT_SEEN and "media" not in body
        if kind in STORED and not (watched and sequence - self._saved < SEEN_UNSAVED_MAX):
            self._unsaved.set()
        if self.on_append:
            self.on_append()
        if sequence == RESTART_AT and self.on_exhausted:
            self.on_exhausted()
        return sequence

    def notice(self, about, text):
        """Writes an event about something that was repaired."""
        print("notice: %s: %s" % (about, text))
        return self.append(
            EVENT_NOTICE, {"about": about, "text": cbor.cut(text, NOTICE_TEXT_BYTES)}
        )

    def read(self, sequence):
        """The record to send for `sequence`; a gap record stands for what was dropped unread."""
        first = self.first
        if sequence >= first:
            return self._records[sequence - first]
        return self._record(first - 1, EVENT_GAP, {"count": first - sequence})

    def acknowledge(self, sequence):
        """Forgets the records up to and including `sequence`."""
        while self._records and self.first <= sequence:
            self._records.popleft()
        sequence = min(sequence, self.next - 1)
        if sequence > self._acknowledged:
            self._acknowledged = sequence
            if self._stored_acknowledged < self._stored:
                self._unsaved.set()

    async def run(self):
        """Saves what has to be saved, until cancelled."""
        while True:
            await self._unsaved.wait()
            await asyncio.sleep_ms(SAVE_AFTER_MS)
            await self._quiet.wait()
            self._unsaved.clear()
            self.save()

    def hold(self):
        """Saves nothing until `release`: erasing the flash would cost a recording sound."""
        self._quiet.clear()

    def release(self):
        """Allows saving again after a recording."""
        self._quiet.set()

    def save(self):
        """Writes to the flash what is not there yet."""
        if self._file is None:
            return
        news = []
        stored = self._stored
        for i in range(max(self._saved + 1, self.first), self.next):
            record = self._records[i - self.first]
            if record[8] in STORED:
                news.append(record)
                stored = i
        acknowledged = struct.pack("<I", self._acknowledged)
        try:
            if self._broken or self._file.bytes > self._whole_bytes + ADDED_BYTES_MAX:
                kept = [record for record in self._records if record[8] in STORED]
                self._file.replace([acknowledged] + kept)
                self._whole_bytes = self._file.bytes
            elif news or self._stored_acknowledged < min(self._acknowledged, self._stored):
                self._file.append([acknowledged] + news)
            self._broken = False
            self._saved = self.next - 1
            self._stored = stored
            self._stored_acknowledged = self._acknowledged
        except OSError as error:
            print("journal: not saved:", error)
            self._broken = True  # half an entry may be at the end of the file

    def _keep(self, record):
        self._records.append(record)  # drops the oldest when full
        self.next += 1
        return self.next - 1

    def _record(self, sequence, kind, body, time_ms=None):
        if time_ms is None:
            time_ms = self.time_ms() & 0xFFFFFFFF
        record = struct.pack("<IIB", sequence, time_ms, kind) + cbor.encode(body)
        if len(record) > LIMIT_EVENT_BYTES:
            raise ValueError("event of %d bytes; at most %d" % (len(record), LIMIT_EVENT_BYTES))
        return record

    def _restore(self):
        """Takes over the unread records of earlier runs, under new numbers."""
        stored, expected = self._file.read()
        expected += 1
        lost = unreadable = 0
        time_ms = 0
        for i in range(len(stored)):
            record = stored[i]
            count = _stands_for(record, expected)
            if not count:
                unreadable += 1  # what it was, nobody can tell; the next one's number counts it
                continue
            sequence, time_ms, kind = struct.unpack_from("<IIB", record)
            if sequence < expected:
                continue
            lost += sequence - expected
            unreadable = 0
            expected = sequence + 1
            if i < len(stored) - RESTORED_MAX:
                lost += count
                continue
            if lost:
                self._keep(self._record(self.next, EVENT_GAP, {"count": lost}, time_ms))
                lost = 0
            self._keep(struct.pack("<I", self.next) + record[4:])
        lost += unreadable
        if lost:
            self._keep(self._record(self.next, EVENT_GAP, {"count": lost}, time_ms))
        if self._file.bytes:
            self._broken = True  # the numbers are others now
            self.save()
