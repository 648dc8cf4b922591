# SPDX-License-Identifier: Apache-2.0
"""Builds ROMFS images with aligned models, so that the firmware can use them in place.

The format is described in MicroPython's extmod/vfs_rom.c. mpremote's builder does not align files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# Subfolder, in the folder that an emulated board starts from, of the files for its ROMFS.
FOLDER = "rom"
ALIGNMENT_BYTES = 16
_MAGIC = b"\xd2\xcd\x31"
# The magic and a length padded to five bytes, so that the header's size is known beforehand.
_HEADER_BYTES = 8
_PADDING, _DATA, _POINTER, _FOLDER, _FILE = 1, 2, 3, 4, 5


def _number(value: int, width: int = 1) -> bytes:
    encoded = [value & 0x7F]
    while value := value >> 7:
        encoded.insert(0, 0x80 | value & 0x7F)
    return bytes([0x80] * (width - len(encoded)) + encoded)


def _record(kind: int, payload: bytes) -> bytes:
    return _number(kind) + _number(len(payload)) + payload


def _padding(length: int) -> bytes:
    """Makes a padding record of exactly `length` bytes; 1 is not possible."""
    return _record(_PADDING, bytes(length - 2)) if length else b""


def of_folder(folder: Path) -> bytes:
    """Builds a ROMFS with all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return build({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


def build(files: Mapping[str, bytes]) -> bytes:
    """Builds a ROMFS with these files by path; the data of `*.tflite` are aligned to 16 bytes."""
    top = bytearray()
    records = {path: _record(_DATA, data) for path, data in files.items()}
    for path, data in sorted(files.items()):
        if not path.endswith(".tflite"):
            continue
        head = len(records[path]) - len(data)
        short = -(_HEADER_BYTES + len(top) + head) % ALIGNMENT_BYTES
        top += _padding(short + ALIGNMENT_BYTES if short == 1 else short)
        top += records[path]
        pointer = _number(len(data)) + _number(len(top) - len(data))
        records[path] = _record(_POINTER, pointer)
    top += _folder(records, "")
    if len(top) % 2:
        top += _padding(3)
    return _MAGIC + _number(len(top), _HEADER_BYTES - len(_MAGIC)) + bytes(top)


def directory(extents: Mapping[str, tuple[int, int]]) -> bytes:
    """Builds the directory at the start of a ROMFS, whose files follow it at the given places.

    Args:
        extents: (offset from the ROMFS's start, length) by path; all lie behind the bytes returned.
    """
    end = max((at + length for at, length in extents.values()), default=0)
    records = {
        path: _record(_POINTER, _number(length) + _number(at - _HEADER_BYTES))
        for path, (at, length) in extents.items()
    }
    top = _folder(records, "")
    # To a reader that walks the records, the file data is one padding record.
    head = _number(_PADDING) + _number(0, 5)
    rest = max(end - _HEADER_BYTES - len(top) - len(head), 0)
    top += _number(_PADDING) + _number(rest, 5)
    return _MAGIC + _number(len(top) + rest, _HEADER_BYTES - len(_MAGIC)) + top


def _folder(records: Mapping[str, bytes], prefix: str) -> bytes:
    out = bytearray()
    inside = sorted(path.removeprefix(prefix) for path in records if path.startswith(prefix))
    for name in dict.fromkeys(path.split("/")[0] for path in inside):
        path = prefix + name
        encoded = _number(len(name)) + name.encode("ascii")
        if path in records:
            out += _record(_FILE, encoded + records[path])
        else:
            out += _record(_FOLDER, encoded + _folder(records, path + "/"))
    return bytes(out)
