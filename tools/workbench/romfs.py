# SPDX-License-Identifier: Apache-2.0
"""Builds ROMFS images in which models lie aligned, so that they can be used where they are.

The format is described in MicroPython's extmod/vfs_rom.c. mpremote's builder does not align.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# In the folder that an emulated board starts from: what goes into its ROMFS.
FOLDER = "rom"
ALIGNMENT_BYTES = 16
_MAGIC = b"\xd2\xcd\x31"
# The magic and a length padded to five bytes: known before the length is.
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
    """A record of exactly `length` bytes, of which 1 is not possible."""
    return _record(_PADDING, bytes(length - 2)) if length else b""


def of_folder(folder: Path) -> bytes:
    """A ROMFS with all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return build({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


def build(files: Mapping[str, bytes]) -> bytes:
    """A ROMFS with these files by path; the data of `*.tflite` begin at multiples of 16 bytes."""
    top = bytearray()
    where: dict[str, int] = {}
    for path, data in sorted(files.items()):
        if not path.endswith(".tflite"):
            continue
        head = len(_record(_DATA, data)) - len(data)
        short = -(_HEADER_BYTES + len(top) + head) % ALIGNMENT_BYTES
        top += _padding(short + ALIGNMENT_BYTES if short == 1 else short)
        top += _record(_DATA, data)
        where[path] = len(top) - len(data)
    top += _folder(files, where, "")
    if len(top) % 2:
        top += _padding(3)
    return _MAGIC + _number(len(top), _HEADER_BYTES - len(_MAGIC)) + bytes(top)


def _folder(files: Mapping[str, bytes], where: Mapping[str, int], prefix: str) -> bytes:
    out = bytearray()
    inside = sorted(path.removeprefix(prefix) for path in files if path.startswith(prefix))
    for name in dict.fromkeys(path.split("/")[0] for path in inside):
        path = prefix + name
        encoded = _number(len(name)) + name.encode("ascii")
        if path in where:
            pointer = _number(len(files[path])) + _number(where[path])
            out += _record(_FILE, encoded + _record(_POINTER, pointer))
        elif path in files:
            out += _record(_FILE, encoded + _record(_DATA, files[path]))
        else:
            out += _record(_FOLDER, encoded + _folder(files, where, path + "/"))
    return bytes(out)
