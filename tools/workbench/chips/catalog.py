# SPDX-License-Identifier: Apache-2.0
"""Reads the chip catalogue boards/catalog.toml, and refuses any figure without a source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.chips.figures import CatalogError, Checker, Figure, Source, Span
from workbench.paths import BOARDS

CATALOG = BOARDS / "catalog.toml"
FAMILIES = (
    "Xtensa",
    "RISC-V",
    "Cortex-M",
    "Bluetooth audio",
    "Image processor",
    "Linux SoC",
    "Co-processor",
)
SERVES = ("system SoC", "MCU + ISP", "SoC + MCU", "audio", "co-processor")
WORDS = ("core", "npu", "storage", "radio")
# Numeric figures, each with the range that is plausible for something worn on the face.
NUMBERS = {
    "clock_mhz": (1, 5_000),
    "ram_kb": (1, 64 * 1024 * 1024),
    "process_nm": (1, 250),
    "active_ma": (0.01, 5_000),
    "sleep_ma": (0.000_01, 500),
    "price_usd": (0.05, 500),
}
FIGURES = (*WORDS, *NUMBERS, "serves")
# Upper ends of the price and power classes, in USD and mA.
PRICE_CLASSES = ((2, "$"), (10, "$$"), (40, "$$$"), (float("inf"), "$$$$"))
POWER_CLASSES = ((10, "low"), (100, "medium"), (float("inf"), "high"))
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Chip:
    """One chip of the catalogue.

    Attributes:
        name: As its maker writes it.
        maker: The company that makes it.
        family: One of FAMILIES.
        figures: By the names in FIGURES; None if unknown.
        note: What its figures do not tell.
    """

    name: str
    maker: str
    family: str
    figures: dict[str, Figure | None] = field(default_factory=dict)
    note: str = ""

    def text(self, name: str) -> str:
        """Returns a figure of FIGURES in words, or "unknown"."""
        figure = self.figures[name]
        if figure is None:
            return UNKNOWN
        return ", ".join(figure.value) if name == "serves" else str(figure.value)

    def span(self, name: str) -> Span | None:
        """Returns the (least, most) of a figure of NUMBERS; None if it is unknown."""
        figure = self.figures[name]
        return figure.value if figure else None

    @property
    def core(self) -> str | None:
        """The name of its application core, which board.toml uses too."""
        figure = self.figures["core"]
        return figure.value if figure else None

    @property
    def price_class(self) -> str:
        """The price class, from "$" to "$$$$" by the unit price, or "unknown"."""
        return _class(self.span("price_usd"), PRICE_CLASSES)

    @property
    def power_class(self) -> str:
        """The power class by current awake: below 10 mA, below 100 mA, or more; or "unknown"."""
        return _class(self.span("active_ma"), POWER_CLASSES)


def _class(span: Span | None, classes: tuple[tuple[float, str], ...]) -> str:
    return next(name for most, name in classes if span[1] < most) if span else UNKNOWN


@dataclass(frozen=True)
class Catalog:
    """The whole catalogue.

    Attributes:
        chips: In its order.
        sources: By key.
    """

    chips: list[Chip]
    sources: dict[str, Source]

    def chip(self, name: str) -> Chip:
        """The chip of that name, in upper or lower case.

        Raises:
            CatalogError: There is none.
        """
        for chip in self.chips:
            if chip.name.lower() == name.lower():
                return chip
        known = ", ".join(chip.name for chip in self.chips)
        raise CatalogError(f"no chip '{name}' in the catalogue; there are: {known}")


def _figure(
    checker: Checker, chip: str, name: str, entry: Any, sources: dict[str, Source]
) -> Figure | None:
    where = f"{chip}, {name}"
    if name in NUMBERS:
        return checker.number(where, entry, sources, NUMBERS[name])
    figure = checker.figure(where, entry, sources)
    if figure and name == "serves":
        if not isinstance(figure.value, list) or set(figure.value) - set(SERVES):
            checker.wrong(f"{where}: give a list of {', '.join(SERVES)}")
    elif figure and (not isinstance(figure.value, str) or not figure.value):
        checker.wrong(f"{where}: give it in words")
    return figure


def load(path: Path = CATALOG) -> Catalog:
    """Reads and checks the catalogue.

    Raises:
        CatalogError: It is not TOML, or holds something invalid; the message names each place.
        OSError: It cannot be read.
    """
    try:
        tables = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: {error}") from None
    checker = Checker(path)
    read = {key: checker.source(key, entry) for key, entry in tables.get("sources", {}).items()}
    sources = {key: source for key, source in read.items() if source}
    chips: list[Chip] = []
    for number, entry in enumerate(tables.get("chip", []), 1):
        name = entry.get("name") or f"entry {number}"
        if name in (chip.name for chip in chips):
            checker.wrong(f"{name} is there twice")
        if entry.get("family") not in FAMILIES:
            checker.wrong(f"{name}: family is to be one of {', '.join(FAMILIES)}")
        if not entry.get("name") or not entry.get("maker"):
            checker.wrong(f"{name} has no name or no maker")
        others = {"name", "maker", "family", "unknown", "note"}
        if strange := sorted(set(entry) - others - set(FIGURES)):
            checker.wrong(f"{name}: {', '.join(strange)}: no such figure")
        figures: dict[str, Figure | None] = {}
        for figure in FIGURES:
            figures[figure] = None
            if checker.given(name, figure, entry):
                figures[figure] = _figure(checker, name, figure, entry[figure], sources)
        asleep, awake = figures["sleep_ma"], figures["active_ma"]
        if asleep and awake and asleep.value[0] > awake.value[1]:
            checker.wrong(f"{name} takes more asleep than awake")
        about = (entry.get("maker", ""), entry.get("family", ""))
        chips.append(Chip(name, *about, figures=figures, note=entry.get("note", "")))
    checker.end()
    return Catalog(chips, sources)
