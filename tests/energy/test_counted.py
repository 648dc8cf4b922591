# SPDX-License-Identifier: Apache-2.0
"""What the ledger takes for busy, against instructions that are counted one by one."""

import pytest
from workbench.build import zoo
from workbench.measure import counts
from workbench.models import benchmark

BOARD = "corstone300"


def test_busy_time_is_that_of_its_instructions():
    # busy_us, which the ledger counts by the board's clock, with one word; against the inference
    # alone, by the core's cycles, and what a hop takes besides, which another word tells.
    inference = benchmark.bench(BOARD, zoo.find("okay_nabu").read_bytes()).instructions
    expected = counts.hop(BOARD) + counts.push(BOARD, "hey_jarvis") + inference / 3
    assert counts.hop(BOARD, "okay_nabu") == pytest.approx(expected, rel=0.05)
