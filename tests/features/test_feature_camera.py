# SPDX-License-Identifier: Apache-2.0
"""On the glasses under test: photos, and the vision model's results for them."""

import asyncio

import pytest
from glint.errors import GlintError
from glint.events import Seen
from PIL import Image

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("peripherals")]


@pytest.fixture
def scenes(tmp_path):
    for name, colour in (("a.png", "black"), ("b.png", "white")):
        Image.new("RGB", (320, 240), colour).save(tmp_path / name)
    return tmp_path


async def test_photos_arrive_whole_and_show_what_is_there(target, glasses, scenes):
    target.sim.do("camera", folder=str(scenes))
    for brightness in (0, 255):
        image = (await glasses.photo()).image()
        assert image.size == (640, 480)
        assert abs(image.convert("L").getpixel((320, 240)) - brightness) < 8


async def test_vision_says_what_it_saw(target, glasses, scenes):
    target.sim.do("camera", folder=str(scenes))
    since = (await glasses.status()).next

    async def seen():
        async for event in glasses.events(since):
            if isinstance(event, Seen):
                return event
        raise AssertionError("the events ended")

    looking = asyncio.create_task(seen())
    await glasses.photo()
    event = await asyncio.wait_for(looking, 20)
    status = await glasses.status()
    assert event.by == status.vision
    assert event.label in {"person", "no person", "motion", "still", "dark"}


@pytest.mark.needs("light")
async def test_the_privacy_light_is_on_while_the_camera_runs(target, glasses, scenes):
    target.sim.do("camera", folder=str(scenes))
    mark = target.sim.mark()
    await glasses.photo()
    await target.sim.wait_for("light", since=mark, on=True)
    await target.sim.wait_for("light", since=mark, on=False)
    assert not (await glasses.status()).light


async def test_a_broken_picture_is_a_reason_not_a_hang(target, glasses, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    target.sim.do("camera", folder=str(tmp_path))
    with pytest.raises(GlintError, match=r"broken\.png"):
        await asyncio.wait_for(glasses.photo(), 20)
