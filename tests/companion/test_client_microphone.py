# SPDX-License-Identifier: Apache-2.0
"""Tests continuous audio: recordings put together, and the gaps between them."""

import contextlib
from datetime import timedelta

import glint
import pytest
from client_fixtures import connected, until
from fake_glasses import fake_advertising
from glint import protocol

MS_BYTES = 8  # of IMA ADPCM at 16 kHz


def records(fake, *recordings):
    """Makes the fake glasses record one after the other: (at_ms, ms, send_object's arguments)."""
    left = list(recordings)

    def on_record(number, ms):
        assert ms == protocol.LIMIT_RECORD_MAX_MS
        if left:
            at_ms, length_ms, more = left.pop(0)
            data = bytes(MS_BYTES * length_ms)
            fake.time_ms = at_ms + 500
            fake.send_object("audio", data, number=number, at_ms=at_ms, preroll_ms=500, **more)

    fake.on_record = on_record


async def listen(glasses, until_ms):
    chunks = []
    async with contextlib.aclosing(glasses.audio()) as stream:
        async for chunk in stream:
            chunks.append(chunk)
            if chunk.at_ms + len(chunk.pcm) // 32 >= until_ms:
                return chunks


async def test_recordings_that_overlap_become_one():
    async with connected() as (fake, glasses):
        records(fake, (1000, 2000, {}), (2500, 2000, {}), (4500, 1000, {}))
        chunks = await listen(glasses, 5500)
        at = chunks[0].at_ms
        assert at == 1000
        for chunk in chunks:
            assert (chunk.at_ms, chunk.gap_ms, chunk.rate_hz) == (at, 0, 16000)
            at += len(chunk.pcm) / 32
        assert at == 5500
        for chunk in chunks:
            since_first = chunk.time - chunks[0].time
            assert since_first == timedelta(milliseconds=chunk.at_ms - 1000)
        await until(lambda: not fake.objects)  # released


async def test_what_is_missing_is_told():
    async with connected() as (fake, glasses):
        gone = {"error": "overrun"}
        records(fake, (1000, 1000, {}), (2300, 1000, {}), (3300, 0, gone), (5000, 500, {}))
        chunks = await listen(glasses, 5500)
        assert [(chunk.at_ms, chunk.gap_ms) for chunk in chunks if chunk.gap_ms] == [
            (2300, 300),
            (5000, 1700),
        ]
        assert sum(len(chunk.pcm) for chunk in chunks) == 32 * 2500


async def test_who_stops_listening_ends_the_recording():
    async with connected() as (fake, glasses):
        records(fake, (1000, 60_000, {"stop_at": 8000}))
        await listen(glasses, 1100)
        await until(lambda: not fake.objects)


async def test_glasses_that_record_something_else_say_so():
    async with fake_advertising() as (fake, hci), glint.connect(hci=hci) as glasses:
        fake.refuse = {protocol.SMP_GLINT_RECORD: protocol.RC_BUSY}
        with pytest.raises(glint.RequestError) as refusal:
            await listen(glasses, 1)
        assert refusal.value.reason is glint.Reason.BUSY


async def test_older_firmware_is_named():
    async with connected() as (fake, glasses):
        fake.on_record = lambda number, _: fake.send_object("audio", bytes(800), number=number)
        with pytest.raises(glint.GlintError, match="update their firmware") as error:
            await listen(glasses, 1)
        assert error.value.reason is glint.Reason.WRONG_VERSION
