# SPDX-License-Identifier: Apache-2.0
"""Lists MicroPython's own images for ESP32-S3, and chooses the one that fits a chip.

The images differ in how PSRAM is wired to the chip: an image for octal PSRAM does not find quad
PSRAM, and the other way round; the one for quad PSRAM also starts without any
(CONFIG_SPIRAM_IGNORE_NOTFOUND in ports/esp32/boards/sdkconfig.spiram_sx of MicroPython 1.25.0 and
1.26.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from workbench.errors import WorkbenchError

PLACE = "https://micropython.org/resources/firmware/"
PAGE = "https://micropython.org/download/ESP32_GENERIC_S3/"


class OfficialError(WorkbenchError):
    """None of MicroPython's own images is for the chip."""


class Memory(Enum):
    """How the PSRAM in a chip's package is wired."""

    NONE = "none"
    QUAD = "quad"
    OCTAL = "octal"

    @property
    def words(self) -> str:
        """The kind of PSRAM in words, for messages."""
        return "no PSRAM" if self is Memory.NONE else f"{self.value} PSRAM"


# By the megabytes that the chip's eFuses tell of (esptool 5.6.0, targets/esp32s3.py, 207 to 238):
# ESP32-S3R2 and FH4R2 have 2 MB quad, R8 and R8V 8 MB octal (so RIOT's documentation of its
# cpu/esp32s3), R16V 16 MB octal. What is known of 4 MB is that esptool has it.
MEMORY_MB = {0: Memory.NONE, 2: Memory.QUAD, 8: Memory.OCTAL, 16: Memory.OCTAL}


def memory_of(megabytes: int) -> Memory:
    """Returns the kind of PSRAM for its size in the package; an unknown size counts as quad.

    The image for quad PSRAM starts with any PSRAM or none.
    """
    return MEMORY_MB.get(megabytes, Memory.QUAD)


@dataclass(frozen=True)
class Image:
    """One of MicroPython's own images.

    Attributes:
        release: Of MicroPython.
        name: Of the file, as its download page gives it.
        octal: Whether it is for octal PSRAM.
        flash_mb: The least flash that it needs.
        sha256: Of the file, or "" if none could be found: MicroPython publishes none.
    """

    release: str
    name: str
    octal: bool
    flash_mb: int
    sha256: str = ""

    @property
    def url(self) -> str:
        """The address to download it from."""
        return PLACE + self.name


# The names are the download page's. The sums are those of copies that others have committed, which
# pass all checks of `esp_image` and say of themselves what they are: 1.25.0 in
# github.com/velamvaz/lexie at 34bf839 (firmware/bin, octal) and
# github.com/PoliDaniel01/Domotic_House_ESP32 at b1edbd7 (Smart_Home_project/micropython_utils),
# 1.26.1 in github.com/jefripunza/polosan-telemetry at f4c9024. They are not their maker's word.
IMAGES = (
    Image(
        "1.25.0",
        "ESP32_GENERIC_S3-SPIRAM_OCT-20250415-v1.25.0.bin",
        octal=True,
        flash_mb=8,
        sha256="6e18ad12aff4ce431a6c8b6edf958daec5e3903ef7015a5aa6fb56e2b7a6290d",
    ),
    Image(
        "1.25.0",
        "ESP32_GENERIC_S3-20250415-v1.25.0.bin",
        octal=False,
        flash_mb=8,
        sha256="3f25a6c4f6fa6d68c8959152c9fa0962c90ef2dab5cccc984e42b5bc5c63fea3",
    ),
    Image(
        "1.26.1",
        "ESP32_GENERIC_S3-SPIRAM_OCT-20250911-v1.26.1.bin",
        octal=True,
        flash_mb=4,
        sha256="5aae9b1b1d78f9149c02d5176cb65ab8358604677b81f078f3fc4b7b7ba62b3e",
    ),
    Image(
        "1.26.1",
        "ESP32_GENERIC_S3-20250911-v1.26.1.bin",
        octal=False,
        flash_mb=4,
        sha256="d6c48687f684cc7c002a0a4acd258f881c4b391f3ef121726a3b7cd285dcdbbc",
    ),
)
# In which order NimBLE tells of a pairing, by ESP-IDF's version: whether ble_sm_process_result in
# nimble/host/src/ble_sm.c calls ble_gap_enc_event before ble_sm_persist_keys. Read at the commits
# of espressif/esp-nimble that ESP-IDF's tags name, lines of the first and the second: f29df73a
# (v5.2) 1000, 1014; a2acac3e (v5.2.2) 1022, 1036; 73112f9b (v5.3) 1030, 1044; 2cf7edde (v5.3.1)
# 1028, 1042; and the other way round d87234ed (v5.2.3) 1030, 1025; 32b2124f (v5.3.2) 1036, 1031.
# The commit of v5.4.2, 02257754, was not to be had: keys come first in 32b2124f, which the line of
# v5.4 had in October 2024, and in the copy of v5.5.3 in yicheng55/yicheng55-esp-idf-v5.5.3-davicom.
ENCRYPTION_FIRST = ("5.2", "5.2.2", "5.3", "5.3.1")
KEYS_FIRST = ("5.2.3", "5.3.2", "5.5.3")
KEYS_FIRST_BY_ITS_NEIGHBOURS = ("5.4", "5.4.1", "5.4.2")


def pairing_order(idf: str) -> str:
    """Describes what is known of the order in which an ESP-IDF's NimBLE reports a pairing."""
    if idf in ENCRYPTION_FIRST:
        return "tells of encryption, then gives the keys"
    if idf in KEYS_FIRST:
        return "gives the keys, then tells of encryption"
    if idf in KEYS_FIRST_BY_ITS_NEIGHBOURS:
        return "gives the keys, then tells of encryption (read before and after this version)"
    return "in an order that was not looked up"


RELEASES = tuple(dict.fromkeys(image.release for image in IMAGES))


def choose(memory: Memory, flash_bytes: int, release: str | None = None) -> Image:
    """Returns the image for a chip: from the given release, or the first that fits its flash.

    Args:
        memory: What the chip says about its PSRAM.
        flash_bytes: Size of its flash; 0 if unknown.
        release: One of `RELEASES`.

    Raises:
        OfficialError: There is none; the message says what to do.
    """
    if release is not None and release not in RELEASES:
        raise OfficialError(f"no MicroPython {release} here; there are: {', '.join(RELEASES)}")
    fitting = [
        image
        for image in IMAGES
        if image.octal == (memory is Memory.OCTAL) and release in (None, image.release)
    ]
    for image in fitting:
        if not flash_bytes or image.flash_mb << 20 <= flash_bytes:
            return image
    least = min(image.flash_mb for image in fitting)
    raise OfficialError(
        f"the board has {flash_bytes >> 20} MB of flash, and {least} MB are the least that "
        f"MicroPython{' ' + release if release else ''} for it needs"
        + ("; take a newer one with --micropython" if release == RELEASES[0] else "")
    )
