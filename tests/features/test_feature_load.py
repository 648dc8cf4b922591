# SPDX-License-Identifier: Apache-2.0
"""On the glasses under test: vision runs beside hearing, and no sample is lost."""

import asyncio

import pytest
from glint.events import Seen
from PIL import Image
from workbench.emulation import sound

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("peripherals")]

HOPS_A_SECOND = 100


async def test_no_sample_is_lost_while_vision_looks(target, glasses, tmp_path):
    Image.new("RGB", (320, 240), "grey").save(tmp_path / "scene.png")
    target.sim.do("camera", folder=str(tmp_path))
    before = await glasses.status()
    seen = 0

    async def look():
        nonlocal seen
        async for event in glasses.events(before.next):
            if isinstance(event, Seen):
                seen += 1
                if seen == 3:
                    return

    looking = asyncio.create_task(look())
    playing = asyncio.create_task(target.play(sound.noise(4, 500), realtime=True))
    for _ in range(3):
        await glasses.photo()
    await asyncio.wait_for(looking, 30)
    await playing
    async with asyncio.timeout(20):  # the last samples played may still wait to be heard
        while (after := await glasses.status()).hops < before.hops + 4 * HOPS_A_SECOND:
            await asyncio.sleep(0.05)
    assert after.hops == before.hops + 4 * HOPS_A_SECOND
