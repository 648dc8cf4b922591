# SPDX-License-Identifier: Apache-2.0
"""Compares compute, power and cost of one model on every chip whose core is emulated here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from workbench.chips import pictures
from workbench.chips.catalog import UNKNOWN, Catalog, Chip
from workbench.chips.figures import Span
from workbench.chips.state import counter
from workbench.errors import WorkbenchError
from workbench.measure import counts


class CompareError(WorkbenchError):
    """The comparison as requested makes no sense."""


@dataclass(frozen=True)
class Row:
    """What is measured or known of one chip with a model.

    Attributes:
        chip: The chip, from the catalogue.
        board: The emulated board that counted instructions; None if none has such a core.
        instructions: Of one inference, without the chip's NPU; None if none were counted.
        ms: The least that one inference takes at the core's clock; None if that is unknown.
        load: The least share of the core at the given rate; above 1 it does not keep up.
        mean_ma: Mean current, asleep or awake between inferences; None if a current is unknown.
        hours: How long a battery lasts at that current.
    """

    chip: Chip
    board: str | None
    instructions: int | None
    ms: float | None
    load: float | None
    mean_ma: Span | None
    hours: Span | None

    def as_json(self) -> dict[str, object]:
        """For `glint boards --compare --json`."""
        return {
            "chip": self.chip.name,
            "family": self.chip.family,
            "counted_on": self.board,
            "instructions": self.instructions,
            "ms_at_least": self.ms,
            "load_at_least": self.load,
            "mean_ma": self.mean_ma,
            "hours": self.hours,
            "power_class": self.chip.power_class,
            "price_class": self.chip.price_class,
        }


def mean_ma(awake: Span, asleep: Span, load: float) -> Span:
    """Returns the mean current of a core that computes for the share `load` of the time, in mA.

    The least assumes that it sleeps between inferences, the most that it never sleeps.
    """
    busy = min(load, 1.0)
    return asleep[0] + busy * (awake[0] - asleep[0]), awake[1]


def compare(
    catalog: Catalog, model: str, *, battery_mah: float, per_second: float, mirror: Path | None
) -> list[Row]:
    """Compares `model` on each chip.

    Args:
        catalog: The chips.
        model: A name of the zoo, or a path of a .tflite, which is then counted now.
        battery_mah: The battery's capacity.
        per_second: Inferences a second.
        mirror: Folder to look for models in.

    Raises:
        CompareError: The battery or the rate is not a positive number.
        WorkbenchError: There is no such model, or a board cannot be built, emulated or run it.
    """
    if not (battery_mah > 0 and math.isfinite(battery_mah)):
        raise CompareError(f"a battery has more than 0 mAh, not {battery_mah:g}")
    if not (per_second > 0 and math.isfinite(per_second)):
        raise CompareError(f"give more than 0 inferences a second, not {per_second:g}")
    return [_row(chip, model, battery_mah, per_second, mirror) for chip in catalog.chips]


def _row(chip: Chip, model: str, battery_mah: float, per_second: float, mirror: Path | None) -> Row:
    board = counter(chip.core)
    instructions = counts.of(model, board, mirror).instructions[board] if board else None
    clock, awake, asleep = (chip.span(name) for name in ("clock_mhz", "active_ma", "sleep_ma"))
    ms = instructions / clock[1] / 1e3 if instructions and clock else None
    load = ms * per_second / 1e3 if ms is not None else None
    mean = mean_ma(awake, asleep, load) if load is not None and awake and asleep else None
    hours = (battery_mah / mean[1], battery_mah / mean[0]) if mean else None
    return Row(chip, board, instructions, ms, load, mean, hours)


def _share(value: float | None, best: float, worst: float) -> float | None:
    """Returns where `value` lies between the worst and the best, on a logarithmic scale."""
    if value is None:
        return None
    if best == worst:
        return 1.0
    return 0.1 + 0.9 * math.log(value / worst) / math.log(best / worst)


def draw(rows: list[Row], model: str, path: Path) -> int:
    """Draws a triangle for each chip with any known figure, and returns how many it drew.

    Raises:
        pictures.PictureError: It cannot be written.
    """
    speeds = {row.chip.name: 1 / row.ms for row in rows if row.ms}
    lives = {row.chip.name: math.sqrt(row.hours[0] * row.hours[1]) for row in rows if row.hours}
    prices = {row.chip.name: row.chip.span("price_usd") for row in rows}
    cheap = {name: 2 / sum(price) for name, price in prices.items() if price}
    drawn = []
    for row in rows:
        name = row.chip.name
        if name not in speeds and name not in lives and name not in cheap:
            continue
        corners = []
        texts = {
            "compute": f"{row.ms:.2f} ms" if row.ms else UNKNOWN,
            "power": f"{row.hours[0]:.0f} to {row.hours[1]:.0f} h" if row.hours else UNKNOWN,
            "cost": row.chip.price_class,
        }
        for known, (what, text) in zip((speeds, lives, cheap), texts.items(), strict=True):
            share = None
            if name in known:
                share = _share(known[name], max(known.values()), min(known.values()))
            corners.append(pictures.Corner(share, f"{what}\n{text}"))
        drawn.append((name, corners))
    pictures.triangles(path, f"{model}: further out is better; a hollow corner is unknown", drawn)
    return len(drawn)
