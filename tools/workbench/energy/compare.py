# SPDX-License-Identifier: Apache-2.0
"""Compares the energy ledger with a current meter's record over the same time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glint.info import Energy, Status

from workbench.energy.meter import Measured, MeterError
from workbench.errors import WorkbenchError

STATES = ("off", "idle", "listening", "watching", "engaged")
# How much the two durations may differ and still belong to the same run.
APART_S = 1.0


class LedgerError(WorkbenchError):
    """Two readings of the ledger do not belong together, or a file holds none."""


@dataclass(frozen=True)
class Reading:
    """The ledger at one time.

    Attributes:
        uptime_ms: Since boot.
        used_uah: The (least, most) used; None if the board gives no currents.
        counts: Its counters, by name.
    """

    uptime_ms: int
    used_uah: tuple[int, int] | None
    counts: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """What `glint energy show --json` prints."""
        return {"uptime_ms": self.uptime_ms, "used_uah": self.used_uah, "counts": self.counts}


def reading(status: Status, energy: Energy) -> Reading:
    """Converts the glasses' reply to a reading."""
    used = (status.used_uah[0], status.used_uah[1]) if status.used_uah else None
    return Reading(status.uptime_ms, used, {**energy.__dict__})


def load(path: Path) -> Reading:
    """Reads what `glint energy show --json` printed.

    Raises:
        LedgerError: It is not such a file.
        OSError: It cannot be read.
    """
    try:
        said = json.loads(path.read_text())
        used = said["used_uah"]
        counts = {str(name): int(value) for name, value in said["counts"].items()}
        ends = (int(used[0]), int(used[1])) if used else None
        return Reading(int(said["uptime_ms"]), ends, counts)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise LedgerError(
            f"{path} holds no ledger: write it with glint energy show --json"
        ) from None


@dataclass(frozen=True)
class Comparison:
    """A meter's record beside the ledger's.

    Attributes:
        measured: The meter's measurement.
        ledger_s: How long the ledger counted.
        ledger_uah: The charge used in that time by the ledger, (least, most); None if unknown.
        apart: Distance of the meter's charge from the ledger's range, as a share of the meter's
            charge; 0 within the range, None without one.
        states_s: Time in each state in that time.
    """

    measured: Measured
    ledger_s: float
    ledger_uah: tuple[float, float] | None
    apart: float | None
    states_s: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """What `glint energy record --json` prints."""
        return {
            "meter_s": self.measured.seconds,
            "meter_uah": self.measured.charge_uah,
            "meter_mean_ma": self.measured.mean_ma,
            "meter_samples": self.measured.samples,
            "meter_lost": self.measured.lost,
            "ledger_s": self.ledger_s,
            "ledger_uah": self.ledger_uah,
            "apart": self.apart,
            "states_s": self.states_s,
        }


def compare(measured: Measured, before: Reading, after: Reading) -> Comparison:
    """Compares the two, with the ledger's charge scaled to the meter's duration.

    Raises:
        LedgerError: The glasses restarted between the readings.
        MeterError: The meter's record is shorter than the ledger's.
    """
    seconds = (after.uptime_ms - before.uptime_ms) / 1000
    if seconds <= 0:
        raise LedgerError(
            "the glasses restarted between the two readings, and their ledger begins anew with "
            "them: read it again at both ends"
        )
    if seconds - measured.seconds > max(APART_S, 0.02 * seconds):
        raise MeterError(
            f"the meter's record ends after {measured.seconds:.1f} s and the ledger's after "
            f"{seconds:.1f} s: the meter stopped, or they are not of the same time"
        )
    states = {
        state: (after.counts[f"{state}_ms"] - before.counts[f"{state}_ms"]) / 1000
        for state in STATES
        if f"{state}_ms" in after.counts and f"{state}_ms" in before.counts
    }
    if after.used_uah is None or before.used_uah is None:
        return Comparison(measured, seconds, None, None, states)
    scale = measured.seconds / seconds
    least, most = (
        (now - then) * scale for now, then in zip(after.used_uah, before.used_uah, strict=True)
    )
    charge = measured.charge_uah
    outside = max(least - charge, charge - most, 0.0)
    apart = outside / charge if charge else float("inf") if outside else 0.0
    return Comparison(measured, seconds, (least, most), apart, states)
