# SPDX-License-Identifier: Apache-2.0
"""Reads from a chip's eFuses whether it starts only signed images and encrypts its flash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from esptool.targets import CHIP_DEFS
from esptool.util import FatalError

from workbench.device.serialboard import SerialBoard

# Runs on a board; prints the words at these addresses, or nothing where they cannot be read.
READ = """
import json
try:
    from machine import mem32
    print(json.dumps([mem32[at] & 0xFFFFFFFF for at in {addresses}]))
except ImportError:
    print("[]")
"""


@dataclass(frozen=True)
class Security:
    """What a chip's eFuses say.

    Attributes:
        secure_boot: Its ROM starts only signed bootloaders.
        flash_encryption: The content of its flash is encrypted.
    """

    secure_boot: bool
    flash_encryption: bool

    def __str__(self) -> str:
        def state(on: bool) -> str:
            return "on" if on else "off"

        return (
            f"secure boot {state(self.secure_boot)}, "
            f"flash encryption {state(self.flash_encryption)}"
        )


def _is_encrypted(count: int) -> bool:
    """Whether SPI_BOOT_CRYPT_CNT has an odd number of bits set (esptool's get_security_info)."""
    return count.bit_count() % 2 == 1


def of_loader(chip: Any) -> Security | None:
    """Asks a chip in download mode, through esptool's object for it; None if it cannot tell."""
    try:
        said = chip.get_security_info()
    except FatalError:  # an ESP32's loader knows no such command
        return None
    return Security(said["parsed_flags"]["SECURE_BOOT_EN"], _is_encrypted(said["flash_crypt_cnt"]))


def of_board(board: SerialBoard, mcu: str) -> Security | None:
    """Reads the eFuses of a board at its REPL; None if their address on that chip is unknown.

    Args:
        board: The board.
        mcu: Its chip, as MicroPython names it; "" for any.

    Raises:
        serialboard.BoardError: The board went away.
    """
    if mcu != "ESP32S3":
        return None
    chip: Any = CHIP_DEFS[mcu.lower()]
    addresses = [chip.EFUSE_SECURE_BOOT_EN_REG, chip.EFUSE_SPI_BOOT_CRYPT_CNT_REG]
    words: list[int] = json.loads(board.run(READ.format(addresses=addresses)))
    if not words:
        return None
    boot, count = words
    return Security(
        bool(boot & chip.EFUSE_SECURE_BOOT_EN_MASK),
        _is_encrypted(count & chip.EFUSE_SPI_BOOT_CRYPT_CNT_MASK),
    )
