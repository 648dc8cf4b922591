# SPDX-License-Identifier: Apache-2.0
"""Determines how far Glint supports a chip, from the boards and runners in this repository."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from workbench.chips.catalog import Chip
from workbench.models import benchmark
from workbench.paths import BOARDS
from workbench.runners import boards

# From the best support to the least.
STATES = ("silicon", "emulated", "builds", "described")
# The architecture whose native modules each core runs.
ARCH_OF_CORE = {
    "cortex-m4": "armv7emsp",
    "cortex-m33": "armv7emsp",
    "cortex-m55": "armv7emsp",
    "rv32imac": "rv32imc",
    "rv32imafc": "rv32imc",
    "xtensa-lx7": "xtensawin",
}


@dataclass(frozen=True)
class State:
    """How far a chip is supported.

    Attributes:
        name: One of STATES.
        by: The boards, or the architecture of native modules, that this rests on.
    """

    name: str
    by: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.by)})" if self.by else self.name


def _boards() -> dict[str, dict[str, Any]]:
    paths = sorted(BOARDS.glob("*/board.toml"))
    return {path.parent.name: tomllib.loads(path.read_text()) for path in paths}


def emulators(core: str | None) -> tuple[str, ...]:
    """The boards here that emulate such a core."""
    return tuple(
        name
        for name, table in _boards().items()
        if name in boards.BOARDS and core in table.get("chip", {}).get("cores", [])
    )


def counter(core: str | None) -> str | None:
    """The emulated board that counts instructions of such a core, or None."""
    return next((name for name in emulators(core) if name in benchmark.BOARDS), None)


def state(chip: Chip) -> State:
    """Determines how far `chip` is supported.

    "silicon" means that [silicon] in a board.toml records a run on the chip itself; "emulated" that
    a board here emulates its core and tests run it; "builds" that there are a board or native
    modules for it but nothing runs them.
    """
    boards = _boards()
    own = [name for name, table in boards.items() if table.get("chip", {}).get("name") == chip.name]
    if proven := tuple(name for name in own if "silicon" in boards[name]):
        return State("silicon", proven)
    if running := emulators(chip.core):
        return State("emulated", running)
    from workbench.build.dist import ARCHS  # takes a while

    arch = ARCH_OF_CORE.get(chip.core or "")
    if own or arch in ARCHS:
        return State("builds", tuple(own) or (f"native modules, {arch}",))
    return State("described")
