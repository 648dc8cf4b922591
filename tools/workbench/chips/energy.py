# SPDX-License-Identifier: Apache-2.0
"""Reads a board's current in each state and charge per event: [energy] in its board.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.chips import catalog
from workbench.chips.figures import Checker, Figure, Span
from workbench.errors import WorkbenchError
from workbench.paths import board_folder

# The states of the firmware; each has a current with the core waiting.
STATES = ("off", "idle", "listening", "watching", "engaged")
# What the firmware counts besides: time that the core computes, and single events.
CHARGES = ("connection_event_uc", "radio_kb_uc", "flash_write_uc")
MA_MOST: Span = (0, 5_000)
UC_MOST: Span = (0, 1_000_000)


class EnergyError(WorkbenchError):
    """There is no such board, or it has no energy figures."""


@dataclass(frozen=True)
class Energy:
    """What is known of a board's currents; None if a figure is unknown.

    Attributes:
        states_ma: Current by state, with the core waiting.
        busy_ma: Additional current of a core that computes.
        charges_uc: By event, in microcoulombs: a connection event, a KB over the radio, and a
            write to the flash.
        sources: Where the figures were read, by their names.
    """

    states_ma: dict[str, Span | None]
    busy_ma: Span | None
    charges_uc: dict[str, Span | None]
    sources: dict[str, tuple[str, ...]]

    @property
    def unknown(self) -> list[str]:
        """The names of the figures for which no source was found."""
        named = {f"{state}_ma": span for state, span in self.states_ma.items()}
        named |= {"busy_ma": self.busy_ma, **self.charges_uc}
        return [name for name, span in named.items() if span is None]

    def waiting_ma(self, state: str) -> Span:
        """Returns a waiting core's current in a state; if unknown, that of listening, else of idle.

        Raises:
            EnergyError: Nothing is known of any.
        """
        order = (state, "listening", "idle")
        for name in order:
            span = self.states_ma[name]
            if span is not None:
                return span
        raise EnergyError(f"nothing is known of what it takes {state}")


def tables(folder: Path) -> dict[str, Any]:
    """Reads the board.toml of a folder."""
    return tomllib.loads((folder / "board.toml").read_text())


def load(board: str) -> Energy | None:
    """Reads the energy table of a board; None if it has none.

    Args:
        board: One of ours by its name, or one's own by a path with a slash.

    Raises:
        EnergyError: There is no such board.
        figures.CatalogError: The table has a figure without a source, or an implausible one.
    """
    path = board_folder(board) / "board.toml"
    if not path.exists():
        raise EnergyError(f"no board '{board}': there is no {path}")
    table = tables(path.parent).get("energy")
    if table is None:
        return None
    sources = catalog.load().sources
    checker = Checker(path)
    names = {**{f"{state}_ma": MA_MOST for state in STATES}, "busy_ma": MA_MOST}
    names |= dict.fromkeys(CHARGES, UC_MOST)
    if strange := sorted(set(table) - set(names) - {"unknown"}):
        checker.wrong(f"[energy]: {', '.join(strange)}: no such figure")
    read: dict[str, Figure | None] = {}
    for name, most in names.items():
        read[name] = None
        if checker.given("[energy]", name, table):
            read[name] = checker.number(f"[energy], {name}", table[name], sources, most)
    checker.end()
    spans = {name: figure.value if figure else None for name, figure in read.items()}
    return Energy(
        states_ma={state: spans[f"{state}_ma"] for state in STATES},
        busy_ma=spans["busy_ma"],
        charges_uc={name: spans[name] for name in CHARGES},
        sources={name: figure.sources for name, figure in read.items() if figure},
    )


def of_chip(chip: catalog.Chip) -> Energy | None:
    """Returns the currents of a chip of the catalogue; None if they are unknown.

    The least assumes that it sleeps whenever it waits, the most that it never sleeps.
    """
    awake, asleep = chip.span("active_ma"), chip.span("sleep_ma")
    if not awake or not asleep:
        return None
    waiting = (asleep[0], awake[1])
    states: dict[str, Span | None] = {"idle": waiting, "listening": waiting}
    sources = {}
    for name in ("active_ma", "sleep_ma"):
        figure = chip.figures[name]
        assert figure
        sources[name] = figure.sources
    return Energy(
        states_ma={state: states.get(state) for state in STATES},
        busy_ma=(max(awake[0] - asleep[0], 0.0), max(awake[0] - asleep[0], 0.0)),
        charges_uc=dict.fromkeys(CHARGES),
        sources=sources,
    )
