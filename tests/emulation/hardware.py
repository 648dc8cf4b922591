# SPDX-License-Identifier: Apache-2.0
"""Emulated hardware that several test files start."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def rom_loader(folder: Path, *options: str) -> Iterator[Path]:
    """Starts an emulated chip in download mode; gives the path of its port.

    The file "flash" in the folder holds its flash and outlives it; the file "log" holds its
    reports of faults.
    """
    port = folder / "tty"
    command = [sys.executable, "-m", "workbench.emulation.romloader", "--pty", str(port)]
    command += ["--flash", str(folder / "flash"), *options]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("romloader: "), line
        yield port
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def partition_table(*partitions: tuple[str, int, int, int]) -> bytes:
    """A binary partition table as ESP-IDF's gen_esp32part writes it: (name, type, offset, size)."""
    table = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, 0, offset, size, name.encode(), 0)
        for name, kind, offset, size in partitions
    )
    return table + b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()


def program(chip: str, code: bytes) -> bytes:
    """A program for a chip with its SHA-256 appended, made by esptool."""
    from esptool import bin_image

    image = {
        "esp32s3": bin_image.ESP32S3FirmwareImage,
        "esp32c3": bin_image.ESP32C3FirmwareImage,
    }[chip]()
    image.segments = [bin_image.ELFSection(b"code", 0x3FC90000, code, flags=0)]
    image.flash_size_freq = 0x3F  # 8 MB, 80 MHz
    image.entrypoint = 0x3FC90000
    saved: bytes = image.save(None)
    return saved


def whole_image(
    chip: str = "esp32s3", code: bytes = b"\x55" * 60_000, flash_bytes: int = 8 << 20
) -> bytes:
    """A whole-flash image with the partitions of MicroPython's own, the last up to the end."""
    image = bytearray(b"\xff" * 0x10000) + program(chip, code)
    boot = program(chip, b"boot" * 100)
    table = partition_table(
        ("nvs", 1, 0x9000, 0x6000),
        ("phy_init", 1, 0xF000, 0x1000),
        ("factory", 0, 0x10000, 0xF0000),
        ("vfs", 1, 0x100000, flash_bytes - 0x100000),
    )
    image[: len(boot)] = boot
    image[0x8000 : 0x8000 + len(table)] = table
    return bytes(image)
