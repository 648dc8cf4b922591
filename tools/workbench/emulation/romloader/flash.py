# SPDX-License-Identifier: Apache-2.0
"""Emulates a NOR flash in a file: erasing sets bits, programming only clears them."""

from __future__ import annotations

import mmap
from pathlib import Path
from types import TracebackType

SECTOR_BYTES = 4096


class Flash:
    """A NOR flash in a memory-mapped file; the writes of a killed process persist."""

    def __init__(self, path: Path, size: int) -> None:
        """Opens the file, or creates it erased.

        Raises:
            ValueError: The file has another size than the flash.
            OSError: The file cannot be made or opened.
        """
        if not path.exists():
            path.write_bytes(b"\xff" * size)
        if path.stat().st_size != size:
            raise ValueError(f"{path} has {path.stat().st_size} bytes, the flash has {size}")
        with path.open("r+b") as file:
            self._cells = mmap.mmap(file.fileno(), size)
        self.size = size

    def __enter__(self) -> Flash:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cells.close()

    def _check(self, offset: int, length: int) -> None:
        if offset + length > self.size:
            raise ValueError(f"{length} bytes at {offset:#x} lie beyond the flash")

    def erase(self, offset: int, length: int) -> None:
        """Erases every sector that the range touches."""
        start = offset - offset % SECTOR_BYTES
        end = -(-(offset + length) // SECTOR_BYTES) * SECTOR_BYTES
        self._check(start, end - start)
        self._cells[start:end] = b"\xff" * (end - start)

    def program(self, offset: int, data: bytes) -> None:
        """Clears the bits that are zero in the data."""
        self._check(offset, len(data))
        old = int.from_bytes(self._cells[offset : offset + len(data)], "little")
        new = old & int.from_bytes(data, "little")
        self._cells[offset : offset + len(data)] = new.to_bytes(len(data), "little")

    def read(self, offset: int, length: int) -> bytes:
        """Returns a copy of a range."""
        self._check(offset, length)
        return self._cells[offset : offset + length]
