# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the figures with sources in catalog.toml and board.toml."""

from __future__ import annotations

import datetime
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

Span = tuple[float, float]


class CatalogError(WorkbenchError):
    """The catalogue has a figure without a source, or an impossible one."""


@dataclass(frozen=True)
class Source:
    """Where a figure was read.

    Attributes:
        title: The title of the page or document.
        url: Its address.
        seen: The day on which it was read.
    """

    title: str
    url: str
    seen: datetime.date


@dataclass(frozen=True)
class Figure:
    """A known fact about a chip.

    Attributes:
        value: A text, the (least, most) of a number, or a list of texts.
        sources: Keys of Catalog.sources.
    """

    value: Any
    sources: tuple[str, ...]


class Checker:
    """Collects the errors in a file, so that all are reported at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wrong: list[str] = []

    def wrong(self, text: str) -> None:
        """Records an error for `end` to report."""
        self._wrong.append(text)

    def end(self) -> None:
        """Ends the check.

        Raises:
            CatalogError: Something was wrong.
        """
        if self._wrong:
            raise CatalogError(f"{self._path}: " + "; ".join(self._wrong))

    def source(self, key: str, entry: Any) -> Source | None:
        """Returns the entry of [sources] under `key`; None if it is incomplete."""
        fields = {"title": str, "url": str, "seen": datetime.date}
        for name, kind in fields.items():
            if not isinstance(entry, dict) or not isinstance(entry.get(name), kind):
                self.wrong(
                    f"source {key} has no {name}: say what it is, where, and when it was read"
                )
                return None
        return Source(**{name: entry[name] for name in fields})

    def figure(self, where: str, entry: Any, sources: Container[str]) -> Figure | None:
        """Reads an entry `{ is = value, source = key }`, its value unchanged; None if invalid."""
        if not isinstance(entry, dict) or "is" not in entry or set(entry) - {"is", "source"}:
            self.wrong(f"{where}: write {{ is = value, source = key }}")
            return None
        keys = entry.get("source") or []
        keys = tuple([keys] if isinstance(keys, str) else keys)
        if not keys:
            self.wrong(f"{where} has no source: name one of [sources], or put it under unknown")
            return None
        for key in keys:
            if key not in sources:
                self.wrong(f"{where}: no source '{key}' in [sources]")
        return Figure(entry["is"], keys)

    def number(self, where: str, entry: Any, sources: Container[str], most: Span) -> Figure | None:
        """Reads a figure that is a number or a (least, most), within the plausible range `most`."""
        figure = self.figure(where, entry, sources)
        if figure is None:
            return None
        ends = figure.value if isinstance(figure.value, list) else [figure.value, figure.value]
        numbers = [end for end in ends if isinstance(end, int | float) and end is not True]
        if len(numbers) != 2 or len(ends) != 2:
            self.wrong(f"{where}: give a number, or the least and the most: {figure.value!r}")
            return None
        low, high = numbers
        if low < 0:
            self.wrong(f"{where} is negative: {low:g}")
        elif low > high:
            self.wrong(f"{where}: the least, {low:g}, is more than the most, {high:g}")
        elif not (most[0] <= low and high <= most[1]):
            self.wrong(
                f"{where} is absurd: {figure.value!r} is not from {most[0]:g} to {most[1]:g}"
            )
        return Figure((low, high), figure.sources)

    def given(self, what: str, name: str, table: dict[str, Any]) -> bool:
        """Whether a figure is given; each must be given or listed under "unknown", and not both."""
        given, unknown = name in table, name in table.get("unknown", [])
        if given == unknown:
            how = "twice" if given else "nowhere"
            self.wrong(f"{what}: {name} stands {how}: give it, or put it under unknown")
        return given
