# SPDX-License-Identifier: Apache-2.0
"""Tests of the app, which run on emulated and on real glasses: pytest --glasses=linux."""

import asyncio
import contextlib

import glint
import photo_button
from PIL import Image


@contextlib.asynccontextmanager
async def running(glasses, folder):
    """The app, for as long as the block lasts."""
    app = asyncio.create_task(photo_button.photos(glasses, folder))
    yield
    app.cancel()


async def saved(folder):
    async with asyncio.timeout(30):
        while not (photos := list(folder.glob("*.jpg"))):
            await asyncio.sleep(0.1)
    with Image.open(photos[0]) as photo:
        photo.load()
        return photo


async def test_a_press_takes_a_photo(glasses, board, senses, tmp_path):
    await senses.show(Image.new("RGB", (640, 480), "red"))
    async with running(glasses, tmp_path):
        await board.press()
        photo = await saved(tmp_path)
    red, green, blue = photo.getpixel((320, 240))
    assert red > 200 > green + blue


async def test_a_press_while_the_link_is_lost_takes_a_photo_afterwards(
    glasses, board, radio, tmp_path
):
    async with running(glasses, tmp_path):
        async with radio.out_of_range():
            await board.press()
        await radio.disconnect()
        assert await saved(tmp_path)


async def test_a_radio_with_errors_is_only_slower(glasses, radio):
    await radio.timing(interval_ms=15, packet_error_rate=0.3)
    assert (await glasses.photo()).image().size == (640, 480)


async def test_they_hear_their_wake_word(glasses, senses):
    events = glasses.events((await glasses.status()).next)
    await senses.say("nice weather", "okay nabu")
    async with asyncio.timeout(30):
        async for event in events:
            if isinstance(event, glint.Wake):
                break
    assert event.word == "Okay Nabu"


async def test_settings_are_kept_without_power(glasses, board):
    before_ms = (await glasses.config())["wake_audio_ms"]
    await glasses.set_config(wake_audio_ms=1500)
    await board.power_cut()
    assert (await glasses.config())["wake_audio_ms"] == 1500
    await glasses.set_config(wake_audio_ms=before_ms)


async def test_the_battery_is_told(glasses, board):
    await board.battery(41)
    async with asyncio.timeout(10):
        while (await glasses.status()).battery_percent != 41:
            await asyncio.sleep(0.1)


async def test_a_reset_starts_the_extension_again(board, console):
    await board.reset()
    assert await console.wait_for("the extension runs") == f"the extension runs on {board.name}"


async def test_their_clock_goes_on(clock):
    before_ms = await clock.uptime_ms()
    await clock.wait(1)
    assert await clock.uptime_ms() >= before_ms + 1000


async def test_they_are_well(glasses):
    assert not (await glasses.boot()).crash
