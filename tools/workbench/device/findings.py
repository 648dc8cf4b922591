# SPDX-License-Identifier: Apache-2.0
"""The findings of `glint doctor`: judges whether what a board printed is as it should be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.build import natmod
from workbench.device import official
from workbench.device.serialboard import Facts
from workbench.paths import BUILD

HEAP_NEEDED_BYTES = 1 << 20
# As esptool's get_chip_features reads the eFuse (targets/esp32s3.py of 5.6.0, 232 to 238).
PSRAM_MB = {0: 0, 1: 8, 2: 2, 3: 16, 4: 4}
# In silence half of PDM's bits are ones; a working microphone never sends all ones or all zeros.
ONES_PERCENT = range(10, 91)
LOST_MAX_MS = 50


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        what: What was checked.
        good: Whether it is as it should be; None if it is not needed.
        found: What was found.
        advice: What to do, if anything.
    """

    what: str
    good: bool | None
    found: str
    advice: str = ""


def system(about: Mapping[str, Any]) -> Iterator[Finding]:
    """Reports the system beneath MicroPython, how it pairs, and the cause of the last reset."""
    said = about.get("platform", "")
    if said:
        yield Finding("system", True, said)
    if idf := re.search(r"IDFv(\d+(?:\.\d+)+)", said):
        yield Finding("pairing", None, f"ESP-IDF {idf[1]} {official.pairing_order(idf[1])}")
    if cause := about.get("reset"):
        advice = ""
        if cause == "WDT_RESET":
            advice = "a watchdog ended what ran before: glint crash tells what it left"
        yield Finding("last reset", None, cause, advice)


def memory(facts: Facts, about: Mapping[str, Any], port: str) -> Finding:
    """Checks whether the heap uses the memory that the chip has."""
    found = f"{facts.heap_free >> 10} KB of heap free"
    if facts.heap_free > HEAP_NEEDED_BYTES:
        return Finding("memory", True, found)
    if "psram" not in about:
        return Finding("memory", False, found, "name fewer or smaller models")
    megabytes = PSRAM_MB.get(about["psram"], 0)
    if not megabytes:
        return Finding("memory", None, f"{found}: the chip has no PSRAM in its package")
    kind = official.memory_of(megabytes)
    if ("Octal" in facts.machine) == (kind is official.Memory.OCTAL):
        found += f": the image is for the chip's {kind.words}, and does not find it"
        return Finding("memory", False, found, "the chip may be broken: try another board")
    return Finding(
        "memory",
        False,
        f"{found}, without the chip's {megabytes} MB of {kind.words}",
        f"the image is not for it; glint flash --port {port} takes the one that is",
    )


def heard(report: Mapping[str, Any]) -> Finding:
    """Judges what firmware/checks/listen.py printed about the microphone."""
    listened, got = report["length_ms"], report["heard_ms"]
    if not got:
        return Finding(
            "microphone", False, f"gave no data in {listened} ms", "look at its pins in board.py"
        )
    lost = max(listened - got, 0)
    found = f"{got} ms of {listened} heard"
    ones = report.get("ones_percent")
    if ones is not None:
        found += f", {ones} % ones"
        if ones not in ONES_PERCENT:
            side = "high" if ones > 50 else "low"
            return Finding(
                "microphone", False, found, f"its data pin is stuck {side}: look at its wiring"
            )
    found += f", level {level_dbfs(report['rms'])} dBFS, peak {level_dbfs(report['peak'])}"
    if not report["spread"]:
        return Finding(
            "microphone", False, found, "every sample is the same: look at its data pin and power"
        )
    if lost > LOST_MAX_MS:
        return Finding(
            "microphone", False, f"{found}, {lost} ms lost", "something keeps it waiting"
        )
    return Finding("microphone", True, found)


def level_dbfs(value: int) -> int:
    """Converts a sample's magnitude to dBFS; 0 gives -99."""
    return round(20 * math.log10(value / 32768)) if value else -99


def executable(largest: int, facts: Facts) -> Finding:
    """Reports the executable memory, where each native module's code needs one block."""
    needed = {
        name: natmod.size(product).text
        for name in natmod.native_modules()
        if name not in facts.builtin
        for product in [BUILD / "natmod" / "xtensawin" / f"{name}.mpy"]
        if product.with_suffix(".size").exists()
    }
    found = f"largest block {largest} bytes with Bluetooth on"
    if not needed:
        return Finding("executable memory", None, found)
    most = max(needed.values())
    found += f"; the modules need {', '.join(f'{n} {size}' for n, size in needed.items())}"
    advice = "" if most <= largest else 'make them smaller: make natmod MODELS="okay_nabu ..."'
    return Finding("executable memory", most <= largest, found, advice)
