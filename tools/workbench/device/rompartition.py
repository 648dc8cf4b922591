# SPDX-License-Identifier: Apache-2.0
"""Writes models to a board's ROMFS partition, if it has one, where they are used in place.

The first block of the partition is the directory, and each file begins a block of its own. New
files go into free blocks, so the board keeps its old models until the directory is replaced.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.build import romfs
from workbench.device.serialboard import SerialBoard
from workbench.errors import WorkbenchError
from workbench.paths import FIRMWARE

BLOCK_BYTES = 4096

# These scripts run on the board. `rom_write` writes blocks as mpremote's `romfs deploy` does.
DEVICE = """
import binascii, hashlib, json
rom = None
try:
    import vfs
    rom = vfs.rom_ioctl(2, 0)
except (ImportError, AttributeError):
    pass
if rom is None or isinstance(rom, int):
    rom_block = 0
elif hasattr(rom, "ioctl"):
    rom_block = rom.ioctl(5, 0)
    def rom_write(at, data):
        if rom.writeblocks(at // rom_block, data):
            raise OSError(5)
else:
    rom_block = vfs.rom_ioctl(6, 0)
    def rom_write(at, data):
        for op in ((3, 0, at, len(data)), (4, 0, at, data), (5, 0)):
            if vfs.rom_ioctl(*op) < 0:
                raise OSError(5)
rom_block = max(rom_block, 0)
"""
# {reader} is the source of firmware/glasses/boot/romfs.py, which reads a ROMFS of any builder.
LOOK = """
exec({reader!r})
class View:
    def seek(self, at):
        self.at = at
    def read(self, size):
        self.at += size
        return bytes(rom[self.at - size:self.at])
found = {{}}
rom = memoryview(rom)
try:
    for path, at, length in Reader(View(), 0, len(rom)).entries():
        if at is not None:
            found[path] = at, length
except RomfsError:
    pass
print(json.dumps((len(rom), found)))
rom = vfs.rom_ioctl(2, 0)
"""
HASH = """
view = memoryview(rom)
print(json.dumps([binascii.hexlify(hashlib.sha256(view[at:at + length]).digest()).decode()
    for at, length in json.loads({extents!r})]))
"""
# Takes effect at once, so that the self-test that follows sees the new files.
SWITCH = """
try:
    vfs.umount("/rom")
except OSError:
    pass
rom_write(0, binascii.a2b_base64({directory!r}) + b"\\xff" * {padding})
vfs.mount(vfs.VfsRom(rom), "/rom")
"""


class RomError(WorkbenchError):
    """The models do not fit the partition, or its directory; the message says what to do."""


@dataclass(frozen=True)
class Extent:
    """The place of a file: `length` bytes at offset `at` of the partition."""

    at: int
    length: int

    @property
    def blocks(self) -> range:
        """The blocks that it touches."""
        return range(self.at // BLOCK_BYTES, -(-(self.at + self.length) // BLOCK_BYTES))


@dataclass(frozen=True)
class Partition:
    """A board's ROMFS partition.

    Attributes:
        size: In bytes.
        files: Extents of the files in it, by path.
    """

    size: int
    files: Mapping[str, Extent]


def look(board: SerialBoard) -> Partition | None:
    """Reads a board's ROMFS partition; None if it has none that can be written block by block.

    Raises:
        serialboard.BoardError: The board went away.
    """
    if int(board.run(DEVICE + "print(rom_block)")) != BLOCK_BYTES:
        return None
    reader = (FIRMWARE / "glasses" / "boot" / "romfs.py").read_text()
    size, found = json.loads(board.run(LOOK.format(reader=reader)))
    return Partition(size, {path: Extent(*extent) for path, extent in found.items()})


def displaced(board: SerialBoard, partition: Partition) -> dict[str, bytes]:
    """Reads the files that lie where our directory has to be, so that they can be sent again.

    Raises:
        serialboard.BoardError: The board went away.
    """
    found = {}
    for path, extent in partition.files.items():
        if extent.at >= BLOCK_BYTES:
            continue
        data = b""
        while len(data) < extent.length:
            start = extent.at + len(data)
            end = min(start + BLOCK_BYTES, extent.at + extent.length)
            said = board.run(f"print(binascii.b2a_base64(memoryview(rom)[{start}:{end}]).decode())")
            data += base64.b64decode(said)
        found[path] = data
    return found


def hashes(board: SerialBoard, extents: list[Extent]) -> list[str]:
    """Returns the SHA-256 of these extents' content in hexadecimal; call `look` first."""
    pairs = json.dumps([(extent.at, extent.length) for extent in extents])
    found: list[str] = json.loads(board.run(HASH.format(extents=pairs)))
    return found


def place(partition: Partition, files: Mapping[str, bytes]) -> dict[str, Extent]:
    """Finds free places for these files, with all present files left where they are.

    Args:
        partition: From `look`.
        files: New contents by path. The answer depends only on them and on the partition's files,
            so that a second run finds what an interrupted one has sent.

    Raises:
        RomError: There is no room.
    """
    used = {0}
    if any(extent.at < BLOCK_BYTES for extent in partition.files.values()):
        # Another builder's directory records may lie anywhere up to the end of the last file.
        end = max(extent.blocks.stop for extent in partition.files.values())
        used.update(range(end))
    for extent in partition.files.values():
        used.update(extent.blocks)
    placed = {}
    count = partition.size // BLOCK_BYTES
    for path in sorted(files):
        needed = Extent(0, len(files[path])).blocks.stop
        starts = range(count - needed + 1)
        at = next((at for at in starts if used.isdisjoint(range(at, at + needed))), None)
        if at is None:
            raise RomError(
                f"{path} has no room in the board's ROMFS of {partition.size} bytes beside what is "
                "there; name fewer models, or empty it first (mpremote romfs deploy, with an empty "
                "folder)"
            )
        used.update(range(at, at + needed))
        placed[path] = Extent(at * BLOCK_BYTES, len(files[path]))
    return placed


def send(board: SerialBoard, extent: Extent, data: bytes) -> None:
    """Writes a file's content to where it was placed; nothing refers to it yet.

    Raises:
        serialboard.BoardError: The board went away.
    """
    for start in range(0, extent.length, BLOCK_BYTES):
        block = data[start : start + BLOCK_BYTES].ljust(BLOCK_BYTES, b"\xff")
        board.run(f"rom_write({extent.at + start}, {board.packed(block)})")


def switch(files: Mapping[str, Extent]) -> str:
    """Returns Python that makes these the partition's files, once `look` has run on the board.

    Raises:
        RomError: They are too many for one block.
    """
    extents = {path: (extent.at, extent.length) for path, extent in files.items()}
    directory = romfs.directory(extents)
    if len(directory) > BLOCK_BYTES:
        raise RomError(f"{len(files)} files are too many for the board's ROMFS; name fewer models")
    return SWITCH.format(
        directory=base64.b64encode(directory), padding=BLOCK_BYTES - len(directory)
    )
