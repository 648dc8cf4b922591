# SPDX-License-Identifier: Apache-2.0
"""The glasses keep hearing while they verify an update image."""

import asyncio

import numpy as np
import pytest
from glasses import config
from smpclient.requests.image_management import ImageErase, ImageStatesRead, ImageUploadWrite
from test_update_micropython import application
from workbench.emulation import sound

PIECE_BYTES = 900


def place(heard, played):
    """Finds where in `played` this was recorded: the place that resembles it most."""
    n = 1 << (len(played) + len(heard)).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(played, n) * np.conj(np.fft.rfft(heard, n)), n)
    return int(np.argmax(likeness[: len(played)]))


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.needs("peripherals")
async def test_no_sample_is_lost_while_an_update_is_verified(target, glasses):
    data = application("9.0.0", board=target.board)
    link = await glasses._connection.link()
    first = ImageUploadWrite(off=0, data=data[:PIECE_BYTES], len=len(data))
    at = (await link.requests.request(first)).off
    while len(data) - at > PIECE_BYTES:
        piece = ImageUploadWrite(off=at, data=data[at : at + PIECE_BYTES])
        at = (await link.requests.request(piece)).off
    noise = sound.noise(30, 3000)
    playing = asyncio.create_task(target.play(noise, realtime=True))
    bytes_arrived = 0

    def progress(done, _):
        nonlocal bytes_arrived
        bytes_arrived = done

    async def hear(seconds):
        enough = bytes_arrived + seconds * sound.SAMPLE_RATE_HZ // 2
        async with asyncio.timeout(30):
            while bytes_arrived < enough:
                await asyncio.sleep(0.02)

    recording = asyncio.create_task(glasses.record(25, progress=progress))
    await hear(1)
    last = ImageUploadWrite(off=at, data=data[at:])
    assert (await link.requests.request(last, 60)).off == len(data)
    await hear(1.5)
    await glasses.stop_recording()
    audio = await recording
    playing.cancel()
    target.sim.do("hush")
    states = await link.requests.request(ImageStatesRead())
    assert [image.version for image in states.images] == [config.FIRMWARE, "9.0.0"]
    await link.requests.request(ImageErase())

    heard = np.frombuffer(audio.pcm, np.int16).astype(np.float64)
    step = sound.SAMPLE_RATE_HZ // 4
    # Up to half a second of it may be from before the noise began.
    starts = range(3 * step, len(heard) - step, step)
    assert len(starts) >= 5
    places = {place(heard[at : at + step], noise.astype(np.float64)) - at for at in starts}
    assert len(places) == 1
