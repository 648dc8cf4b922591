# SPDX-License-Identifier: Apache-2.0
"""The function that runs at every hop allocates nothing, on the linux board."""

import pytest
from workbench.emulation import sound
from workbench.measure import firmware

HOPS = 10_000


@pytest.mark.parametrize("words", [["okay_nabu"], ["okay_nabu", "alexa", "hey_mycroft"]])
def test_ten_thousand_hops_allocate_nothing(words):
    heard = sound.mix(sound.speech("one two three alexa okay nabu"), sound.noise(2, 100))
    result = firmware.hops(words, HOPS, heard)
    assert result["hops"] == HOPS
    assert result["allocated_bytes"] == 0
