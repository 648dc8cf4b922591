# SPDX-License-Identifier: Apache-2.0
"""Checks whole-flash images for ESP32 chips, as MicroPython publishes them, before writing.

Such a file begins at the chip's first flash address: bootloader, partition table at 0x8000,
application. Formats: https://docs.espressif.com/projects/esptool/en/latest/esp32s3/advanced-topics/firmware-image-format.html
and https://docs.espressif.com/projects/esp-idf/en/v5.4/esp32s3/api-guides/partition-tables.html
"""

from __future__ import annotations

import hashlib
import io
import itertools
import struct
from dataclasses import dataclass
from typing import Any

from esptool.bin_image import ESP32S3FirmwareImage
from esptool.targets import CHIP_DEFS
from esptool.util import FatalError

from workbench.errors import WorkbenchError

S3: Any = CHIP_DEFS["esp32s3"]
PARTITION_TABLE_OFFSET = 0x8000
PARTITION_TABLE_BYTES = 0xC00
PARTITION_BYTES = 32
PARTITION_MAGIC = b"\xaa\x50"
PARTITION_MD5_MAGIC = b"\xeb\xeb"
PARTITION_TYPE_APP = 0


class ImageError(WorkbenchError):
    """A file is not an image that this board can start from."""


@dataclass(frozen=True)
class Partition:
    """An entry of a partition table; offset and size in bytes."""

    name: str
    type: int
    subtype: int
    offset: int
    size: int


@dataclass(frozen=True)
class Image:
    """A whole-flash image that has passed its own checks.

    Attributes:
        data: What to write at the chip's first flash address.
        chip: Name of the chip it is for, as esptool writes it.
        chip_id: That chip's number in image headers.
        flash_bytes: The least flash that it needs.
        partitions: Its partition table.
    """

    data: bytes
    chip: str
    chip_id: int
    flash_bytes: int
    partitions: tuple[Partition, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of the whole file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


def parse_partitions(table: bytes) -> tuple[Partition, ...]:
    """Reads a binary partition table.

    Raises:
        ImageError: It is not one, it is damaged, or its partitions overlap.
    """
    partitions: list[Partition] = []
    for start in range(0, len(table), PARTITION_BYTES):
        entry = table[start : start + PARTITION_BYTES]
        if entry[:2] == PARTITION_MD5_MAGIC:
            if hashlib.md5(table[:start]).digest() != entry[16:]:
                raise ImageError("the image's partition table is damaged; get the file again")
            continue
        if entry[:2] != PARTITION_MAGIC:
            break
        kind, subtype, offset, size, name = struct.unpack_from("<BBII16s", entry, 2)
        label = name.rstrip(b"\0").decode("ascii", "replace")
        partitions.append(Partition(label, kind, subtype, offset, size))
    if not partitions:
        raise ImageError("the image has no partition table at 0x8000")
    in_order = sorted(partitions, key=lambda partition: partition.offset)
    for first, second in itertools.pairwise(in_order):
        if first.offset + first.size > second.offset:
            raise ImageError(f"the image's partitions {first.name} and {second.name} overlap")
    return tuple(partitions)


def _check_program(data: bytes, what: str) -> Any:
    """Loads a program with esptool and compares its appended SHA-256; returns esptool's image."""
    try:
        program: Any = ESP32S3FirmwareImage(io.BytesIO(data))
    except (FatalError, RuntimeError, struct.error, IndexError) as error:
        raise ImageError(
            f"the image's {what} is cut off or damaged ({error}); get the file again"
        ) from None
    if not program.append_digest:
        raise ImageError(
            f"the image's {what} carries no SHA-256 of its own, so it cannot be checked"
        )
    if program.stored_digest != program.calc_digest:
        raise ImageError(
            f"the SHA-256 at the end of the image's {what} does not match it; get the file again"
        )
    return program


def check(data: bytes, name: str) -> Image:
    """Checks a whole-flash image: headers, appended SHA-256 of each program, partition table.

    Args:
        data: The file's bytes.
        name: What to call it in messages.

    Raises:
        ImageError: It is not an image, it is damaged, or it does not begin with a bootloader.
    """
    if not data or data[0] != S3.ESP_IMAGE_MAGIC:
        raise ImageError(f"{name} is not an image for an ESP32 chip; it does not begin with 0xE9")
    bootloader = _check_program(data, "bootloader")
    chips = {chip.IMAGE_CHIP_ID: chip for chip in CHIP_DEFS.values()}
    chip: Any = chips.get(bootloader.chip_id)
    if chip is None:
        raise ImageError(f"{name} is for a chip that esptool does not know ({bootloader.chip_id})")
    if chip.BOOTLOADER_FLASH_OFFSET != S3.BOOTLOADER_FLASH_OFFSET:
        raise ImageError(f"{name} is for {chip.CHIP_NAME}; Glint runs on ESP32-S3")
    if len(data) <= PARTITION_TABLE_OFFSET:
        raise ImageError(
            f"{name} holds an application only; take the .bin for the whole flash, from address 0"
        )
    table = data[PARTITION_TABLE_OFFSET : PARTITION_TABLE_OFFSET + PARTITION_TABLE_BYTES]
    partitions = parse_partitions(table)
    programs = [p for p in partitions if p.type == PARTITION_TYPE_APP and p.offset < len(data)]
    if not programs:
        raise ImageError(f"{name} holds no application; get the file again")
    for partition in programs:
        if data[partition.offset : partition.offset + 1] == b"\xff":
            continue  # an empty second slot
        program = _check_program(data[partition.offset :], f"application '{partition.name}'")
        if program.chip_id != bootloader.chip_id:
            raise ImageError(f"{name} mixes programs for different chips; get the file again")
    end = max(partition.offset + partition.size for partition in partitions)
    return Image(data, chip.CHIP_NAME, bootloader.chip_id, end, partitions)
