# SPDX-License-Identifier: Apache-2.0
"""Tests how MicroPython reads a board's secure boot and flash encryption at its prompt.

The registers are emulated; their addresses and bits are those of esptool's ESP32-S3.
"""

import subprocess

import pytest
from esptool.targets.esp32s3 import ESP32S3ROM as CHIP
from workbench.build import micropython
from workbench.device import security

REGISTERS = """
import sys
class machine:
    mem32 = {words}
sys.modules["machine"] = machine
"""


class Board:
    """Runs what a board would, with these words in its registers."""

    def __init__(self, words):
        self._before = REGISTERS.format(words=words) if words else "import sys\n"
        self._before += "" if words else "sys.modules['machine'] = object()\n"

    def run(self, code):
        command = [micropython.ensure("linux"), "-c", self._before + code]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# The eFuse's three bits, an odd number of which means encryption, and the bits around them.
@pytest.mark.parametrize(
    ("boot", "count", "expected"),
    [
        (0, 0, (False, False)),
        (1, 0, (True, False)),
        (0, 0b001, (False, True)),
        (0, 0b011, (False, False)),
        (1, 0b111, (True, True)),
    ],
)
def test_the_efuses_are_read_as_esptool_reads_them(boot, count, expected):
    around = ~(CHIP.EFUSE_SECURE_BOOT_EN_MASK | CHIP.EFUSE_SPI_BOOT_CRYPT_CNT_MASK) & 0xFFFFFFFF
    lowest = CHIP.EFUSE_SPI_BOOT_CRYPT_CNT_MASK & -CHIP.EFUSE_SPI_BOOT_CRYPT_CNT_MASK
    words = {
        CHIP.EFUSE_SECURE_BOOT_EN_REG: around | boot * CHIP.EFUSE_SECURE_BOOT_EN_MASK,
        CHIP.EFUSE_SPI_BOOT_CRYPT_CNT_REG: around | count * lowest,
    }
    assert security.of_board(Board(words), "ESP32S3") == security.Security(*expected)


def test_what_cannot_be_read_is_not_known():
    assert security.of_board(Board({}), "ESP32S3") is None
    assert security.of_board(Board({}), "") is None
