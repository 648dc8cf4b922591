# SPDX-License-Identifier: Apache-2.0
"""On the glasses under test: the privacy light, as the board's peripherals see it."""

import asyncio

import pytest
from glint.errors import GlintError
from glint.events import Media, MediaEnd, Wake
from glint.smp import RecordWrite
from PIL import Image
from workbench.emulation import sound

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("peripherals", "light")]


class Light:
    """Records what the light does from now on."""

    def __init__(self, sim):
        self._sim = sim
        self._mark = sim.mark()
        self._seen = len(sim.said("light"))

    @property
    def changes(self):
        return [said["on"] for said in self._sim.said("light")[self._seen :]]

    async def turns(self, on):
        await self._sim.wait_for("light", since=self._mark, timeout_s=20, on=on)


@pytest.fixture
def light(target):
    return Light(target.sim)


@pytest.fixture
def scenes(target, tmp_path):
    Image.new("RGB", (320, 240), "grey").save(tmp_path / "a.png")
    target.sim.do("camera", folder=str(tmp_path))
    return tmp_path


def said(*phrases):
    parts = [sound.silence(1.0)]
    for phrase in phrases:
        parts += [sound.speech(phrase), sound.silence(1.5)]
    whole = sound.join(*parts, sound.silence(2.5))
    return sound.mix(whole, sound.noise(len(whole) / sound.SAMPLE_RATE_HZ, 40))


async def test_listening_alone_does_not_light_it(target, light):
    # Nobody is connected: a wake word is logged, and no audio leaves the perception loop.
    await target.play(said("nice weather", "okay nabu"))
    async with target.connect() as glasses:
        async with asyncio.timeout(20):
            async for event in glasses.events("unread"):
                if isinstance(event, Wake):
                    break
        assert not (await glasses.status()).light
        await target.play(said("nice weather"))
        assert light.changes == []


async def test_it_is_lit_from_the_word_to_the_end_of_its_sound(target, glasses, light):
    since = (await glasses.status()).next
    events = glasses.events(since)
    playing = asyncio.create_task(target.play(said("okay nabu"), realtime=True))
    async with asyncio.timeout(30):
        async for event in events:
            if isinstance(event, Media):
                await light.turns(True)
                assert light.changes == [True]
                assert (await glasses.status()).light
            if isinstance(event, MediaEnd):
                break
    await light.turns(False)
    assert light.changes == [True, False]
    assert not (await glasses.status()).light
    await playing


async def test_it_stays_lit_until_the_last_that_needs_it_has_ended(target, glasses, light, scenes):
    playing = asyncio.create_task(target.play(sound.noise(4, 500), realtime=True))
    recording = asyncio.create_task(glasses.record(2.0))
    await light.turns(True)
    for _ in range(2):
        await glasses.photo()
    assert light.changes == [True]
    await recording
    await light.turns(False)
    assert light.changes == [True, False]
    await playing


async def test_a_camera_that_fails_leaves_it_off(target, glasses, light, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    target.sim.do("camera", folder=str(tmp_path))
    with pytest.raises(GlintError):
        await glasses.photo()
    await light.turns(False)
    assert light.changes == [True, False]


async def test_a_recording_that_nobody_waits_for_does_not_keep_it_lit(target, light):
    async with target.connect() as glasses:
        await glasses._events.ensure_started()
        await glasses.request(RecordWrite(ms=1500))
        await light.turns(True)
    await target.play(sound.noise(3, 500))
    await light.turns(False)
    assert light.changes == [True, False]
