# SPDX-License-Identifier: Apache-2.0
"""Tests the energy ledger of running glasses: it omits no time, and counts what was sent."""

import asyncio

import pytest
from test_link import connected

STATES = ("off_ms", "idle_ms", "listening_ms", "watching_ms", "engaged_ms")


def test_the_ledger_leaves_nothing_out():
    async def job(simulation, glasses):
        up_ms, before = (await glasses.status()).uptime_ms, await glasses.energy()
        async with simulation.hearing(0.5):
            for _ in range(3):
                await glasses.record(2.0)
                await asyncio.sleep(1.5)
        simulation.photo_bytes = 20_000
        await simulation.photos(glasses, 1, 1)
        after, status = await glasses.energy(), await glasses.status()
        return before, after, status, status.uptime_ms - up_ms

    # The firmware's own clock is the machine's, on which computing takes time: it is compared with
    # itself.
    before, after, status, passed_ms = connected(job)
    counted_ms = sum(getattr(after, name) - getattr(before, name) for name in STATES)
    assert counted_ms == pytest.approx(passed_ms, rel=0.05, abs=20)
    assert after.connected_ms - before.connected_ms == pytest.approx(counted_ms, abs=5)
    assert after.engaged_ms > before.engaged_ms
    assert after.watching_ms > before.watching_ms
    # Three recordings of 2 s as ADPCM at 8 KB a second, and a photo.
    assert after.radio_bytes - before.radio_bytes > 3 * 2 * 8000 + 20_000
    assert after.flash_writes > 0
    assert status.used_uah is None  # this board is not silicon: it takes no current
