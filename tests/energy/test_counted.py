# SPDX-License-Identifier: Apache-2.0
"""Compares the busy time in the ledger with instructions that are counted one by one."""

import pytest
from workbench.build import zoo
from workbench.measure import counts
from workbench.models import benchmark

BOARD = "corstone300"
ROWS = 3  # hops an inference


def test_busy_time_is_that_of_its_instructions():
    nabu, jarvis = (
        benchmark.bench(BOARD, zoo.find(word).read_bytes()).instructions / ROWS
        for word in ("okay_nabu", "hey_jarvis")
    )
    # busy_us, which the ledger counts by the board's clock, less the inferences by the core's
    # cycles: what is left of a hop is the same whichever word is listened for. It may be off by a
    # twentieth of an inference.
    left = counts.hop(BOARD, "okay_nabu") - nabu
    assert left == pytest.approx(counts.hop(BOARD, "hey_jarvis") - jarvis, abs=0.05 * nabu)
    assert left > 0
