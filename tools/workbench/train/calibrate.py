# SPDX-License-Identifier: Apache-2.0
"""Chooses the cutoff: the lowest that speech without the phrase rarely exceeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.models.wake import Heard

# One false accept in an hour and a half.
FALSE_ACCEPTS_PER_HOUR = 1 / 1.5
# Each block of sound gives one peak, as a wake word rarely begins twice in it.
BLOCK_INFERENCES = 66
# The tail is extrapolated from this share of the highest peaks, and at least from this many.
TAIL_LEAST, TAIL_SHARE = 10, 0.02
# With this many false accepts expected at the rate, they are counted, not extrapolated.
COUNTED_FROM = 3.0
LOWEST, HIGHEST = 0.3, 0.985
LEAST_STEP = 1e-4

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """How the cutoff was found.

    Attributes:
        cutoff: For the manifest.
        hours: The length of the speech that determined it.
        people: Whether people spoke; else the speech was synthetic.
        expected_per_hour: False accepts expected at this cutoff, by that speech.
        extrapolated: Whether they were extrapolated, as the speech was too short to count them.
    """

    cutoff: float
    hours: float
    people: bool
    expected_per_hour: float
    extrapolated: bool


def peaks(heard: Sequence[Heard]) -> Floats:
    """Returns the highest mean of each block of two seconds."""
    found = [
        max(one.trace[at : at + BLOCK_INFERENCES])
        for one in heard
        for at in range(0, len(one.trace), BLOCK_INFERENCES)
    ]
    return np.array(sorted(found, reverse=True), np.float64)


def _logit(p: Floats) -> Floats:
    p = np.clip(p, LEAST_STEP, 1 - LEAST_STEP)
    logits: Floats = np.log(p / (1 - p))
    return logits


def calibrate(heard: Sequence[Heard], hours: float, *, people: bool) -> Calibration:
    """Finds the cutoff.

    Short recordings do not have enough false accepts to count. The rate then follows from the peaks
    of their logits: above a high threshold, the excess is distributed exponentially.

    Args:
        heard: The device's outputs for speech without the phrase.
        hours: The length of the speech.
        people: Whether people spoke.
    """
    highest = peaks(heard)
    allowed = FALSE_ACCEPTS_PER_HOUR * hours
    if not len(highest):
        return Calibration(HIGHEST, hours, people, 0.0, True)
    if allowed >= COUNTED_FROM:
        cutoff = float(highest[min(int(allowed), len(highest) - 1)])
        cutoff = float(np.clip(cutoff, LOWEST, HIGHEST))
        per_hour = float((highest > cutoff).sum()) / hours
        return Calibration(cutoff, hours, people, per_hour, False)
    logits = _logit(highest)
    count = min(len(logits) - 1, max(TAIL_LEAST, round(TAIL_SHARE * len(logits))))
    base = float(logits[count])
    excess = max(float((logits[:count] - base).mean()) if count else 0.0, 1e-3)
    # It is never below what the count alone gives.
    seen = float(logits[min(int(allowed), len(logits) - 1)])
    wanted = max(seen, base + excess * np.log(max(count, 1) / allowed))
    cutoff = float(np.clip(1 / (1 + np.exp(-wanted)), LOWEST, HIGHEST))
    reached = float(_logit(np.array([cutoff]))[0])
    if reached < base:  # the firmware accepts no higher one
        per_hour = float((logits > reached).sum()) / hours
    else:
        per_hour = max(count, 1) * float(np.exp((base - reached) / excess)) / hours
    return Calibration(round(cutoff, 3), hours, people, per_hour, True)
