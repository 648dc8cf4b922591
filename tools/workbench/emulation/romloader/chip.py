# SPDX-License-Identifier: Apache-2.0
"""Emulates what esptool reads from a chip: its registers, eFuses and flash identification.

Register addresses come from esptool's own target classes; the meaning of eFuse bits is the one that
those classes read from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from esptool.cmds import DETECTED_FLASH_SIZES
from esptool.targets import CHIP_DEFS
from esptool.util import flash_size_bytes

SPI_COMMAND_START = 1 << 18  # SPI_CMD_REG: SPI_USR, cleared by the hardware when it is done
FLASH_READ_ID = 0x9F
FLASH_READ_SFDP = 0x5A
SFDP_SIGNATURE = int.from_bytes(b"SFDP", "little")
FLASH_VENDOR = 0xC8  # JEDEC JEP106: GigaDevice
FLASH_TYPE = 0x40

PSRAM_CODES = {"none": 0, "8MB": 1, "2MB": 2, "16MB": 3, "4MB": 4}
REVISION_MINOR = 2


@dataclass(frozen=True)
class Identity:
    """The properties that identify a chip.

    Attributes:
        name: esptool's name of the chip, for example "esp32s3".
        mac: Six bytes of its factory MAC address.
        flash: Size of the flash as esptool writes it, for example "8MB".
        psram: Size of the PSRAM in the package, or "none".
        secure_boot: Whether the eFuse is set with which the ROM starts signed bootloaders only.
        flash_encryption: Whether those are set with which the flash is encrypted.
    """

    name: str = "esp32s3"
    mac: bytes = bytes.fromhex("02474c494e54")
    flash: str = "8MB"
    psram: str = "8MB"
    secure_boot: bool = False
    flash_encryption: bool = False


class Registers:
    """The chip's memory-mapped registers, with the SPI controller that the flash hangs on.

    Attributes:
        flash_attached: Whether that controller is connected to the flash's pins. The ROM loader
            leaves them alone until told to attach the flash (esptool's cmds.py, attach_flash).
    """

    def __init__(self, identity: Identity) -> None:
        """Fills the eFuses.

        Raises:
            ValueError: esptool knows no such chip, flash size or PSRAM size.
        """
        if identity.name not in CHIP_DEFS:
            raise ValueError(f"no chip '{identity.name}'; esptool knows {', '.join(CHIP_DEFS)}")
        sizes = {size: code for code, size in reversed(DETECTED_FLASH_SIZES.items())}
        if identity.flash not in sizes:
            raise ValueError(f"no flash of '{identity.flash}'; there are {', '.join(sizes)}")
        if identity.psram not in PSRAM_CODES:
            raise ValueError(f"no PSRAM of '{identity.psram}'; there are {', '.join(PSRAM_CODES)}")
        self.target: Any = CHIP_DEFS[identity.name]
        self.flash_bytes: int = flash_size_bytes(identity.flash)
        self._flash_id = FLASH_VENDOR | FLASH_TYPE << 8 | sizes[identity.flash] << 16
        self.flash_attached = False
        # SECURE_BOOT_EN and SPI_BOOT_CRYPT_CNT, as esptool 5.6.0's loader.py reads them
        # (get_security_info: bit 0 of the flags; an odd number of bits of the count).
        self.security_flags = int(identity.secure_boot)
        self.crypt_count = int(identity.flash_encryption)
        self._words: dict[int, int] = {}
        self._fill_efuses(identity)

    def _fill_efuses(self, identity: Identity) -> None:
        target = self.target
        self._words[target.MAC_EFUSE_REG] = int.from_bytes(identity.mac[2:], "big")
        self._words[target.MAC_EFUSE_REG + 4] = int.from_bytes(identity.mac[:2], "big")
        if identity.name == "esp32s3":
            block1 = target.EFUSE_BLOCK1_ADDR
            psram = PSRAM_CODES[identity.psram]
            self._words[block1 + 12] = REVISION_MINOR << 18
            self._words[block1 + 16] = (psram & 3) << 3 | 1 << 7
            self._words[block1 + 20] = psram >> 2 << 19
        if target.USES_MAGIC_VALUE:
            self._words[target.CHIP_DETECT_MAGIC_REG_ADDR] = target.MAGIC_VALUE

    def read(self, address: int) -> int:
        """Returns a 32-bit word; unwritten words read as zero."""
        return self._words.get(address, 0)

    def write(self, address: int, value: int, mask: int) -> None:
        """Writes the bits of a 32-bit word that the mask selects."""
        self._words[address] = self.read(address) & ~mask | value & mask
        if address == self.target.SPI_REG_BASE and value & SPI_COMMAND_START:
            self._run_spi_command()

    def _run_spi_command(self) -> None:
        base = self.target.SPI_REG_BASE
        command = self.read(base + self.target.SPI_USR2_OFFS) & 0xFF
        address = self.read(base + 4)
        answer = 0
        if not self.flash_attached:
            pass
        elif command == FLASH_READ_ID:
            answer = self._flash_id
        elif command == FLASH_READ_SFDP and address == 0:
            answer = SFDP_SIGNATURE
        self._words[base + self.target.SPI_W0_OFFS] = answer
        self._words[base] = 0
