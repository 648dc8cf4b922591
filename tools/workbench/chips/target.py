# SPDX-License-Identifier: Apache-2.0
"""Targets of a budget: boards of ours, and catalogue chips whose core is emulated."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.chips import catalog, energy
from workbench.chips.state import counter
from workbench.errors import WorkbenchError
from workbench.measure import counts
from workbench.models import fit
from workbench.paths import board_folder


class BudgetError(WorkbenchError):
    """The request makes no sense, or does not fit the target."""


@dataclass(frozen=True)
class Target:
    """What a budget is computed for.

    Attributes:
        name: A board's, or a chip's of the catalogue.
        counted_on: The emulated board that counts instructions for it.
        clock_hz: Of its core.
        cycles_per_mac: An estimate of an inference's cycles, if there is one; else 0.
        ram_bytes, flash_bytes: Room for models; None if unknown.
        in_place: Whether models are used where they lie in the flash.
        energy: Its currents, or None.
        chip: Of the catalogue, or None.
    """

    name: str
    counted_on: str
    clock_hz: float
    cycles_per_mac: float
    ram_bytes: int | None
    flash_bytes: int | None
    in_place: bool
    energy: energy.Energy | None
    chip: catalog.Chip | None


def target(name: str) -> Target:
    """Returns the board or the chip of that name.

    Raises:
        BudgetError: There is neither, or nothing counts instructions for it.
    """
    known = catalog.load()
    if name in fit.boards():
        table = energy.tables(board_folder(name))
        chip = known.chip(table["chip"]["name"]) if "name" in table.get("chip", {}) else None
        counted_on = name if name in counts.BOARDS else counter(chip.core if chip else None)
        room = fit.room(name)
        if counted_on is None or not room.clock_hz:
            raise BudgetError(f"nothing counts instructions for {name}: try {_those()}")
        return Target(
            name,
            counted_on,
            room.clock_hz,
            room.cycles_per_mac,
            room.heap_bytes,
            room.flash_bytes,
            room.in_place,
            energy.load(name),
            chip,
        )
    names = {chip.name.lower(): chip for chip in known.chips}
    if name.lower() not in names:
        raise BudgetError(f"no board and no chip '{name}'; there are: {_those()}")
    chip = names[name.lower()]
    counted_on, clock = counter(chip.core), chip.span("clock_mhz")
    if counted_on is None or clock is None:
        raise BudgetError(
            f"no board here counts instructions for {chip.name}, or its clock is unknown: try "
            f"{_those()}"
        )
    ram = chip.span("ram_kb")
    ram_bytes = round(ram[0] * 1024) if ram else None
    currents = energy.of_chip(chip)
    return Target(chip.name, counted_on, clock[1] * 1e6, 0.0, ram_bytes, None, True, currents, chip)


def _those() -> str:
    """Lists the possible targets."""
    counted = [
        chip.name
        for chip in catalog.load().chips
        if counter(chip.core) and chip.span("clock_mhz") is not None
    ]
    boards = [board for board in fit.boards() if fit.room(board).clock_hz]
    return ", ".join([*boards, *counted])
