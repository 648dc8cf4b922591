# SPDX-License-Identifier: Apache-2.0
"""On the glasses under test: continuous audio, put together from recordings."""

import asyncio
import contextlib

import numpy as np
import pytest
from glint import protocol
from workbench.emulation import sound

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("peripherals")]

HEARD_MS = 4000


async def test_recordings_become_one_sound(target, glasses, monkeypatch):
    monkeypatch.setattr(protocol, "LIMIT_RECORD_MAX_MS", 1000)
    played = sound.noise(8, 3000)
    playing = asyncio.create_task(target.play(played, realtime=True))
    chunks = []
    async with asyncio.timeout(60), contextlib.aclosing(glasses.audio()) as stream:
        async for chunk in stream:
            chunks.append(chunk)
            if chunk.at_ms - chunks[0].at_ms > HEARD_MS:
                break
    await playing
    await target.check()
    assert all(chunk.time for chunk in chunks)
    first, last = chunks[0], chunks[-1]
    samples = 16 * (last.at_ms + 1 - first.at_ms) + len(last.pcm) // 2
    heard, there = np.zeros(samples), np.zeros(samples, bool)
    at = 0
    for chunk in chunks:
        pcm = np.frombuffer(chunk.pcm, np.int16)
        if chunk.gap_ms:  # recordings begin at whole milliseconds
            at = 16 * (chunk.at_ms - first.at_ms)
        assert chunk.at_ms == first.at_ms + at // 16
        heard[at : at + len(pcm)], there[at : at + len(pcm)] = pcm, True
        at += len(pcm)
    samples = at
    heard, there = heard[:samples], there[:samples]
    # A machine too busy to ask again within half a second loses audio, which is reported.
    missing = sum(chunk.gap_ms for chunk in chunks)
    assert abs(16 * missing - (~there).sum()) <= 16 * len(chunks)
    # The offset of the noise in the audio, found once, holds for every recording.
    size = len(heard) + len(played)
    spectra = np.fft.rfft(heard, size), np.fft.rfft(played.astype(float), size)
    lag = int(np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1]), size)))
    lag -= size if lag > len(heard) else 0
    lined_up = np.zeros(samples)
    start, stop = max(0, lag), min(samples, lag + len(played))
    lined_up[start:stop] = played[start - lag : stop - lag]
    for begin in range(max(start, 0), stop - 8000, 8000):
        here = slice(begin, begin + 8000)
        if there[here].all():
            assert np.corrcoef(heard[here], lined_up[here])[0, 1] > 0.95, begin
