# SPDX-License-Identifier: Apache-2.0
"""Reads a ROMFS image out of a file: for boards whose MicroPython has no vfs.VfsRom.

The format is described in MicroPython's extmod/vfs_rom.c. Every length is checked against what
holds it; what VfsRom would not find is refused.
"""

_FILESYSTEM = 0x14A6B1
_PADDING = 1
_DATA = 2
_POINTER = 3
_FOLDER = 4
_FILE = 5
# Lengths beyond this are no lengths of ours, and would not be small integers on 32-bit boards.
_LENGTH_MAX = 1 << 28
_DEPTH_MAX = 8
_NAME_MAX_BYTES = 64


class RomfsError(ValueError):
    """The ROMFS is damaged, or holds what cannot be unpacked."""


class Reader:
    """The entries of the ROMFS of `size` bytes at `start` of `file`."""

    def __init__(self, file, start, size):
        self._file = file
        self._at = start
        if self._number(start + size) != _FILESYSTEM:
            raise RomfsError("romfs: not a ROMFS")
        self._end = self._payload_end(start + size)
        self._top = self._at

    def entries(self):
        """(path, at, length) of each file; (path, None, 0) of each folder, before its files.

        Raises RomfsError.
        """
        seen = set()
        folders = [("", self._end)]
        self._at = self._top
        while folders:
            prefix, end = folders[-1]
            if self._at == end:
                folders.pop()
                continue
            kind, record_end = self._record(end)
            if kind not in (_FILE, _FOLDER):
                self._skip(kind, record_end)
                continue
            path = prefix + self._name(record_end)
            if path in seen:
                raise RomfsError("romfs: %s is there twice" % path)
            seen.add(path)
            if kind == _FOLDER:
                if len(folders) == _DEPTH_MAX:
                    raise RomfsError("romfs: folders nested deeper than %d" % _DEPTH_MAX)
                folders.append((path + "/", record_end))
                yield path, None, 0
            else:
                at, length = self._data(path, record_end)
                self._at = record_end
                yield path, at, length

    def _skip(self, kind, end):
        if kind == 0:
            raise RomfsError("romfs: a record of kind 0")
        self._at = end

    def _data(self, path, end):
        while self._at < end:
            kind, record_end = self._record(end)
            if kind == _DATA:
                return self._at, record_end - self._at
            if kind == _POINTER:
                length, offset = self._number(record_end), self._number(record_end)
                if length + offset > self._end - self._top:
                    raise RomfsError("romfs: %s lies outside of it" % path)
                return self._top + offset, length
            self._skip(kind, record_end)
        raise RomfsError("romfs: %s has no data" % path)

    def _name(self, end):
        length = self._number(end)
        if not 0 < length <= min(_NAME_MAX_BYTES, end - self._at):
            raise RomfsError("romfs: a name of %d bytes" % length)
        self._file.seek(self._at)
        name = self._file.read(length)
        self._at += length
        # What names are made of elsewhere too; so nothing leaves its folder.
        for byte in name:
            if byte <= 0x20 or byte >= 0x7F or byte in b'/\\:*?"<>|':
                raise RomfsError("romfs: a name with byte 0x%02x" % byte)
        name = name.decode()
        if name in (".", ".."):
            raise RomfsError("romfs: a name " + name)
        return name

    def _record(self, end):
        """(kind, end) of the record that begins here; what comes then is its payload."""
        return self._number(end), self._payload_end(end)

    def _payload_end(self, end):
        length = self._number(end)
        if length > end - self._at:
            raise RomfsError("romfs: a record longer than what holds it")
        return self._at + length

    def _number(self, end):
        value = 0
        self._file.seek(self._at)
        while True:
            if self._at >= end:
                raise RomfsError("romfs: a number cut short")
            byte = self._file.read(1)
            if not byte:
                raise RomfsError("romfs: cut short")
            self._at += 1
            value = value << 7 | byte[0] & 0x7F
            if value > _LENGTH_MAX:
                raise RomfsError("romfs: a number too large")
            if byte[0] < 0x80:
                return value
