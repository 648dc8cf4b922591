# SPDX-License-Identifier: Apache-2.0
"""Tests photos and recordings from glasses that lose, refuse, truncate and forget them."""

import asyncio
import random
import struct
import zlib

import glint
import pytest
from client_fixtures import connected, take, until
from glint import collect as glint_collect
from glint import protocol


async def test_a_photo():
    data = random.Random(1).randbytes(20_000)
    async with connected() as (fake, glasses):
        fake.on_photo = lambda number: fake.send_object("photo", data, number=number, width=640)
        steps = []
        photo = await glasses.photo(progress=lambda *step: steps.append(step))
        assert photo.data == data
        assert (photo.codec, photo.width) == (protocol.CODEC_JPEG, 640)
        assert steps[-1] == (20_000, 20_000)
        assert steps == sorted(steps)
        # Taking a photo takes no event from whoever reads them.
        assert fake.acknowledged == []
        assert len(await take(glasses.events("unread"), 2)) == 2


async def test_a_recording_can_be_heard_while_it_arrives():
    data = random.Random(2).randbytes(8000)
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        wake_seq = fake.add(protocol.EVENT_WAKE, word="okay_nabu", p=0.9, at_ms=1)
        fake.send_object("audio", data, cause=wake_seq, preroll_ms=500, stop_at=3000)
        (wake,) = await take(events, 1)
        pcm = b""
        async for piece in glasses.audio_stream(wake):
            pcm += piece
            if len(pcm) == 4 * 3000:
                fake.send_rest(1, data)
        audio = await glasses.audio(wake)
        assert audio.pcm == pcm
        assert (len(pcm), audio.cause, audio.preroll_ms) == (4 * len(data), wake_seq, 500)


async def test_objects_that_interleave():
    one, two = random.Random(3).randbytes(3000), random.Random(4).randbytes(5000)
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        fake.send_object("audio", one, stop_at=1000)
        fake.send_object("photo", two)
        media = await take(events, 2)
        fake.send_rest(1, one)
        assert (await glasses.photo(media[1])).data == two
        assert (await glasses.audio(media[0])).seconds == 6000 / 16000
        with pytest.raises(glint.MediaError, match="not of kind photo"):
            await glasses.photo(media[0])


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"crc_error": 1}, "photo 1 arrived damaged"),
        ({"error": "camera unplugged"}, "gave up on photo 1: camera unplugged"),
        ({"stop_at": 500}, r"Only 500 of 3000 bytes of photo 1"),
    ],
)
async def test_photos_that_fail_say_why(monkeypatch, how, why):
    monkeypatch.setattr(glint_collect, "_STALL_S", 0.7)
    async with connected() as (fake, glasses):
        fake.on_photo = lambda number: fake.send_object("photo", bytes(3000), number=number, **how)
        with pytest.raises(glint.MediaError, match=why):
            await glasses.photo()
        fake.on_photo = lambda number: fake.send_object("photo", bytes(3000), number=number)
        assert (await glasses.photo()).data == bytes(3000)


async def test_a_photo_that_never_comes_and_a_word_without_recording(monkeypatch):
    monkeypatch.setattr(glint_collect, "_ANNOUNCED_S", 0.2)
    async with connected() as (fake, glasses):
        with pytest.raises(glint.MediaError, match="did not arrive"):
            await glasses.photo()
        fake.add(protocol.EVENT_WAKE, word="okay_nabu", p=0.9, at_ms=1)
        (wake,) = await take(glasses.events("unread"), 1)
        with pytest.raises(glint.MediaError, match="No recording belongs to"):
            await glasses.audio(wake)


@pytest.mark.parametrize("kind", ["photo", "audio"])
async def test_chunks_that_get_lost_are_asked_for_again(kind):
    data = random.Random(5).randbytes(20_000)
    lost = {0, 238, 2380, 19_754}  # the last of them, too: only a time-out shows that
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        fake.send_object(kind, data, leave_out=lost)
        (media,) = await take(events, 1)
        collect = glasses.photo if kind == "photo" else glasses.audio
        got = await asyncio.wait_for(collect(media), 5)
        assert (got.data if kind == "photo" else len(got.pcm)) in (data, 4 * len(data))
        await until(lambda: not fake.objects)  # released


async def test_a_photo_goes_on_after_the_link_dropped():
    data = random.Random(6).randbytes(30_000)
    async with connected() as (fake, glasses):
        fake.on_photo = lambda number: fake.send_object(
            "photo", data, number=number, stop_at=10_000
        )
        taking = asyncio.create_task(glasses.photo())
        await until(lambda: 1 in fake.objects and fake.objects[1].ranges == [(10_000, 30_000)])
        await fake.drop_link()
        fake.media_writes.clear()
        fake.send_rest(1, data)
        assert (await asyncio.wait_for(taking, 5)).data == data
        wants = [w for w in fake.media_writes if w[0] == protocol.MEDIA_WANT]
        # Only chunks that were on their way when the link dropped may come again.
        assert struct.unpack("<BHII", wants[0])[2] > 5000


async def test_what_the_glasses_no_longer_have_is_an_error():
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        fake.send_object("photo", bytes(5000), stop_at=1000)
        (media,) = await take(events, 1)
        taking = asyncio.create_task(glasses.photo(media))
        await until(lambda: fake.objects[1].ranges == [(1000, 5000)])
        del fake.objects[1]
        with pytest.raises(glint.MediaError, match="no longer have all of photo 1"):
            await asyncio.wait_for(taking, 5)


async def test_what_is_not_wanted_is_discarded():
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        fake.send_object("photo", bytes(5000), stop_at=1000)
        (media,) = await take(events, 1)
        await glasses.discard(media)
        await until(lambda: not fake.objects)
        with pytest.raises(glint.MediaError, match="photo 1 was cancelled"):
            await glasses.photo(media)


async def test_a_photo_that_nobody_waits_for_is_discarded():
    async with connected() as (fake, glasses):
        fake.on_photo = lambda number: fake.send_object(
            "photo", bytes(5000), number=number, stop_at=1000
        )
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(glasses.photo(), 0.3)
        await until(lambda: not fake.objects)


async def test_a_recording_that_became_shorter():
    data = random.Random(7).randbytes(900)
    async with connected() as (fake, glasses):
        events = glasses.events("unread")
        fake.send_object("audio", data + bytes(1100), stop_at=900)
        (media,) = await take(events, 1)
        fake.add(protocol.EVENT_MEDIA_END, id=1, crc=zlib.crc32(data), bytes=900)
        assert (await asyncio.wait_for(glasses.audio(media), 5)).seconds == 1800 / 16000
