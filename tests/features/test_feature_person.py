# SPDX-License-Identifier: Apache-2.0
"""On the glasses under test; beside real ones, a person presses, says and shows (`glint hil`)."""

import asyncio

from glint.events import Button, Wake
from PIL import Image

TIMEOUT_S = 60


async def first(glasses, kind, since):
    async def read():
        async for event in glasses.events(since):
            if isinstance(event, kind):
                return event
        raise AssertionError("the events ended")

    return await asyncio.wait_for(read(), TIMEOUT_S)


async def test_a_press_is_told(glasses, board):
    since = (await glasses.status()).next
    await board.press()
    assert (await first(glasses, Button, since)).pressed


async def test_a_wake_word_becomes_an_event(glasses, senses):
    since = (await glasses.status()).next
    await senses.say("nice weather", "okay nabu")
    wake = await first(glasses, Wake, since)
    assert wake.word == "Okay Nabu"
    assert 0.85 < wake.probability <= 1


async def test_a_photo_shows_what_is_there(glasses, senses):
    brightness = []
    for colour in ("black", "white"):
        await senses.show(Image.new("RGB", (640, 480), colour))
        photo = (await glasses.photo()).image().convert("L")
        brightness.append(photo.getpixel((photo.width // 2, photo.height // 2)))
    assert brightness[1] > brightness[0] + 50
