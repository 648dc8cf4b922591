# SPDX-License-Identifier: Apache-2.0
"""Writes and reads, on the host, the file system in an emulated board's flash file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import littlefs

from workbench.emulation.qemu import Machine
from workbench.errors import WorkbenchError

BLOCK_BYTES = 4096
# The defaults that MicroPython's VfsLfs2 formats with.
UNIT_BYTES = 32
CACHE_BYTES = 4 * UNIT_BYTES


class FlashImageError(WorkbenchError):
    """The flash holds no file system, or has no room."""


def _open(content: bytes | bytearray, *, new: bool) -> littlefs.LittleFS:
    context = littlefs.UserContext(len(content))
    context.buffer[:] = content
    filesystem = littlefs.LittleFS(
        context=context,
        mount=False,
        block_size=BLOCK_BYTES,
        block_count=len(content) // BLOCK_BYTES,
        read_size=UNIT_BYTES,
        prog_size=UNIT_BYTES,
        cache_size=CACHE_BYTES,
        lookahead_size=UNIT_BYTES,
    )
    try:
        if new:
            filesystem.format()
        filesystem.mount()
    except littlefs.LittleFSError as error:
        raise FlashImageError(f"the flash holds no file system that can be read: {error}") from None
    return filesystem


def create(path: Path, files: Mapping[str, bytes], *, machine: Machine, rom: bytes = b"") -> None:
    """Creates a flash whose file system holds `files`, by name with slashes.

    Args:
        path: The flash file; it is replaced.
        files: What to write.
        machine: The machine that the flash belongs to.
        rom: A ROMFS image for the first slot, which follows the file system.

    Raises:
        FlashImageError: They do not fit.
    """
    files_bytes, slots_bytes = machine.files_bytes, machine.flash_bytes - machine.files_bytes
    if len(rom) > slots_bytes // 2:
        raise FlashImageError(f"a ROMFS of {len(rom)} bytes; a slot has {slots_bytes // 2}")
    filesystem = _open(b"\xff" * files_bytes, new=True)
    try:
        for name, content in files.items():
            filesystem.makedirs(str(Path(name).parent), exist_ok=True)
            with filesystem.open(name, "wb") as file:
                file.write(content)
    except (littlefs.LittleFSError, OSError) as error:
        raise FlashImageError(f"{name} does not fit the flash: {error}") from None
    slots = rom + b"\xff" * (slots_bytes - len(rom))
    path.write_bytes(bytes(filesystem.context.buffer) + slots)


def check(path: Path, *, machine: Machine) -> int:
    """Checks the file system in the flash of an emulator that is not running.

    Returns:
        The bytes that are free.

    Raises:
        FlashImageError: There is none; the message says what to do.
    """
    with path.open("rb") as flash:
        content = flash.read(machine.files_bytes)
    try:
        filesystem = _open(content, new=False)
        used: int = filesystem.used_block_count
    except (FlashImageError, littlefs.LittleFSError) as error:
        raise FlashImageError(
            f"{path} holds no file system that can be read ({error}): remove it to start with an "
            "empty flash"
        ) from None
    return len(content) - used * BLOCK_BYTES


def read(path: Path, name: str, *, machine: Machine) -> bytes:
    """Returns the content of a file in the flash of an emulator that is not running.

    Raises:
        FlashImageError: No file system, or no such file.
    """
    with path.open("rb") as flash:
        filesystem = _open(flash.read(machine.files_bytes), new=False)
    try:
        with filesystem.open(name, "rb") as file:
            content: bytes = file.read()
    except (littlefs.LittleFSError, OSError) as error:
        raise FlashImageError(f"{name}: {error}") from None
    return content
