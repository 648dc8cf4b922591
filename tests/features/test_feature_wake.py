# SPDX-License-Identifier: Apache-2.0
"""On the glasses under test: sound goes in, events and sound come out."""

import asyncio

import numpy as np
import pytest
from glint.events import Media, Wake
from workbench.emulation import sound

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("peripherals")]

TIMEOUT_S = 60.0


def scene(*phrases):
    """Phrases with a second of quiet noise around each."""
    parts = [sound.silence(1.0)]
    for phrase in phrases:
        parts += [sound.speech(phrase), sound.silence(1.5)]
    said = sound.join(*parts, sound.silence(2.5))
    return sound.mix(said, sound.noise(len(said) / sound.SAMPLE_RATE_HZ, 40))


async def collect(glasses, wanted, seconds=TIMEOUT_S):
    """Collects the events from now on, until `wanted(events)`."""
    since = (await glasses.status()).next
    events = []

    async def read():
        async for event in glasses.events(since):
            events.append(event)
            if wanted(events):
                return

    await asyncio.wait_for(read(), seconds)
    return events


async def play_and_collect(target, glasses, samples, wanted):
    collecting = asyncio.create_task(collect(glasses, wanted))
    await asyncio.sleep(0.2)
    await target.play(samples)
    return await collecting


def words(events):
    return [event.word for event in events if isinstance(event, Wake)]


async def test_several_words_are_listened_for_at_once(target, glasses):
    events = await play_and_collect(
        target, glasses, scene("alexa", "okay nabu", "alexa"), lambda seen: len(words(seen)) == 3
    )
    assert words(events) == ["Alexa", "Okay Nabu", "Alexa"]


async def test_sequence_numbers_have_no_holes(target, glasses):
    since = (await glasses.status()).next
    events = await play_and_collect(
        target, glasses, scene("okay nabu"), lambda seen: words(seen) and len(seen) >= 2
    )
    assert [event.seq for event in events] == list(range(since, since + len(events)))


async def test_the_sound_after_the_word_arrives_with_what_was_before(target, glasses):
    samples = scene("okay nabu")
    events = await play_and_collect(
        target, glasses, samples, lambda seen: any(isinstance(event, Media) for event in seen)
    )
    wake = next(event for event in events if isinstance(event, Wake))
    audio = await glasses.audio(wake)
    assert audio.rate_hz == sound.SAMPLE_RATE_HZ
    assert audio.preroll_ms == 500
    assert audio.cause == wake.seq
    got = np.frombuffer(audio.pcm, np.int16).astype(np.float64)
    assert len(got) == 3 * sound.SAMPLE_RATE_HZ
    # Its place in the played sound is where it resembles that most. ADPCM of
    # speech correlates with its source far above chance.
    played = samples.astype(np.float64)
    lags = np.correlate(played, got[: sound.SAMPLE_RATE_HZ], "valid")
    start = int(np.argmax(lags))
    taken = played[start : start + sound.SAMPLE_RATE_HZ]
    likeness = np.corrcoef(taken, got[: sound.SAMPLE_RATE_HZ])[0, 1]
    assert likeness > 0.95


async def test_a_recording_on_request(target, glasses):
    # Without input, no time passes for the microphone.
    playing = asyncio.create_task(target.play(sound.noise(3, 1000), realtime=True))
    audio = await glasses.record(1.0)
    assert len(audio.pcm) == 2 * sound.SAMPLE_RATE_HZ
    assert np.frombuffer(audio.pcm, np.int16).std() > 100
    await playing


async def test_the_loop_reports_what_it_does(target, glasses):
    before = await glasses.status()
    await target.play(sound.noise(2, 100))
    async with asyncio.timeout(TIMEOUT_S):  # half a second of it may wait in the microphone
        while (after := await glasses.status()).hops < before.hops + 200:
            await asyncio.sleep(0.05)
    assert after.hops == before.hops + 200
    assert after.busy_us > before.busy_us
    assert set(after.arena) >= {"okay_nabu", "alexa"}
