# SPDX-License-Identifier: Apache-2.0
"""Tests media objects: chunks in any order, checks and limits, sound and pictures."""

import asyncio
import io
import struct
import wave
import zlib

import numpy as np
import pytest
import soundfile
from glint import media as glint_media
from glint import protocol
from glint.audio import AdpcmDecoder, Audio
from glint.errors import MediaError
from glint.events import Media, MediaEnd
from glint.fetch import Fetcher
from glint.media import MediaStore
from glint.photo import Photo, check_path
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def announced(size, number=1, seq=1, kind="audio", **more):
    codec = protocol.CODEC_ADPCM if kind == "audio" else protocol.CODEC_JPEG
    return Media(seq, 0, id=number, kind=kind, codec=codec, bytes=size, rate_hz=16000, **more)


def feed(store, number, offset, data):
    store.add(store.find(number), offset, data)


def ended(data, number=1):
    return MediaEnd(2, 0, id=number, crc=zlib.crc32(data), error=None)


@given(st.binary(min_size=1, max_size=400), st.data())
@settings(max_examples=300, deadline=None)
def test_chunks_in_any_order_make_the_object(data, draw):
    step = draw.draw(st.integers(1, 100))
    chunks = [(at, data[at : at + step]) for at in range(0, len(data), step)]
    chunks = draw.draw(st.permutations(chunks + draw.draw(st.lists(st.sampled_from(chunks)))))
    store = MediaStore()
    store.announce(announced(len(data)))
    transfer = store.find(1)
    end_at = draw.draw(st.integers(0, len(chunks)))
    for offset, piece in chunks[:end_at]:
        assert not transfer.complete
        feed(store, 1, offset, piece)
    store.end(ended(data))
    for offset, piece in chunks[end_at:]:
        feed(store, 1, offset, piece)
    assert transfer.complete
    assert transfer.data() == data


@given(st.integers(1, 200), st.lists(st.tuples(st.integers(0, 250), st.integers(1, 60))))
@settings(max_examples=300, deadline=None)
def test_what_is_missing_is_known(size, spans):
    store = MediaStore()
    store.announce(announced(size))
    transfer = store.find(1)
    there = set()
    for start, length in spans:
        feed(store, 1, start, bytes([7]) * length)
        there |= set(range(start, min(start + length, size)))
    missing = {at for start, stop in transfer.missing() for at in range(start, stop)}
    assert missing == set(range(size)) - there
    assert transfer.received == len(there)
    assert transfer.arrived == min(set(range(size + 1)) - there)
    assert transfer.read(0) == bytes([7]) * transfer.arrived
    if missing:
        store.end(ended(b"anything"))
        with pytest.raises(MediaError, match=f"Only {len(there)} of {size} bytes"):
            transfer.data()


def test_a_wrong_crc_is_refused():
    store = MediaStore()
    store.announce(announced(4))
    feed(store, 1, 0, b"abcd")
    store.end(ended(b"abce"))
    with pytest.raises(MediaError, match="damaged"):
        store.find(1).data()


def test_given_up():
    store = MediaStore()
    store.announce(announced(4, kind="photo"))
    store.end(MediaEnd(2, 0, id=1, crc=None, error="camera unplugged"))
    with pytest.raises(MediaError, match="gave up on photo 1: camera unplugged"):
        store.find(1).data()


def test_an_announcement_that_is_replayed_changes_nothing():
    store = MediaStore()
    store.announce(announced(4, seq=9))
    feed(store, 1, 0, b"abcd")
    store.announce(announced(4, seq=9))
    store.end(ended(b"abcd"))
    assert store.find(1).data() == b"abcd"


def test_an_id_that_comes_round_is_a_new_object():
    store = MediaStore()
    store.announce(announced(4, seq=9))
    old = store.find(1)
    store.announce(announced(2, seq=70))
    assert store.find(1) is not old
    with pytest.raises(MediaError):
        old.data()


def test_the_recording_of_a_wake_word_is_found():
    store = MediaStore()
    store.announce(announced(4, number=1, seq=9))
    store.announce(announced(4, number=2, seq=12, cause=11))
    assert store.caused_by(11).media.id == 2
    assert store.caused_by(10) is None


def test_memory_is_bounded_whatever_is_announced(monkeypatch):
    monkeypatch.setattr(glint_media, "_MAX_STORE_BYTES", 1000)
    store = MediaStore()
    for number in range(1, 600):
        store.announce(announced(400, number=number, seq=number))
        feed(store, number, 399, b"x")
        kept = [store.find(other) for other in range(1, 600)]
        assert sum(transfer.kept_bytes for transfer in kept if transfer) <= 1000
    store = MediaStore()
    for number in range(1, 600):
        store.announce(announced(1, number=number, seq=number))
    assert sum(store.find(number) is not None for number in range(1, 600)) <= 256
    store.announce(announced(0xFFFF_FFFF, number=700, seq=700))
    feed(store, 700, 0xFFFF_FFF0, b"x")
    assert store.find(700).kept_bytes == 0
    with pytest.raises(MediaError, match="accepted"):
        store.find(700).data()


def test_shreds_are_refused():
    store = MediaStore()
    store.announce(announced(100_000))
    for at in range(0, 100_000, 2):
        feed(store, 1, at, b"x")
    with pytest.raises(MediaError, match="too many fragments"):
        store.find(1).data()


@given(st.lists(st.binary(max_size=20), max_size=50))
@settings(max_examples=300, deadline=None)
def test_hostile_chunks_do_no_harm(chunks):
    async def fed():
        store = MediaStore()
        store.announce(announced(50, number=0))
        fetcher = Fetcher(store)
        list(fetcher.messages())
        for one in chunks:
            fetcher.feed(one)
        assert store.find(0).received <= 50
        assert len(list(fetcher.messages())) <= 3

    asyncio.run(fed())


async def test_waiting_ends_when_all_fail():
    store = MediaStore()
    store.announce(announced(10))
    transfer = store.find(1)
    waiting = asyncio.create_task(transfer.changed.wait())
    await asyncio.sleep(0)
    store.fail(MediaError("over"))
    await waiting
    assert transfer.complete
    with pytest.raises(MediaError, match="over"):
        transfer.data()


@given(st.lists(st.integers(0, 40), max_size=8), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_adpcm_in_pieces_is_adpcm_at_once(cuts, seed):
    data = np.random.default_rng(seed).integers(0, 256, 320, np.uint8).tobytes()
    decoder = AdpcmDecoder()
    got, position = b"", 0
    for cut in cuts:
        got += decoder.decode(data[position : position + cut])
        position += cut
    got += decoder.decode(data[position:])
    assert got == AdpcmDecoder().decode(data)


def test_adpcm_is_decoded_as_libsndfile_does():
    """A WAV file's first IMA block with a header of state 0/0 is what the glasses send."""
    rng = np.random.default_rng(3)
    block_bytes, samples_per_block = 1024, 2041
    data = rng.integers(0, 256, block_bytes - 4, np.uint8).tobytes()
    form = struct.pack("<HHIIHHHH", 0x11, 1, 16000, 8110, block_bytes, 4, 2, samples_per_block)
    parts = [(b"fmt ", form), (b"fact", struct.pack("<I", samples_per_block))]
    parts.append((b"data", bytes(4) + data))
    body = b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts)
    file = io.BytesIO(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    expected, rate_hz = soundfile.read(file, dtype="int16")
    assert rate_hz == 16000
    # The block's header is its first sample; the nibbles are those after it.
    assert expected[0] == 0
    got = np.frombuffer(AdpcmDecoder().decode(data), np.int16)
    np.testing.assert_array_equal(got, expected[1:])


def test_a_recording_is_saved_as_wav(tmp_path):
    media = announced(1000, preroll_ms=500, cause=3)
    audio = Audio.from_media(media, bytes(range(250)) * 4)
    assert (audio.seconds, audio.preroll_ms, audio.cause) == (2000 / 16000, 500, 3)
    audio.save(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 16000, 2000)
        assert file.readframes(2000) == audio.pcm
    with pytest.raises(MediaError, match=r"heard\.wav"):
        audio.save(tmp_path / "heard.mp3")


def test_an_unknown_codec_is_refused():
    media = Media(1, 0, id=1, kind="audio", codec="opus", bytes=1, rate_hz=16000)
    with pytest.raises(MediaError, match="opus"):
        Audio.from_media(media, b"x")


def jpeg(width=32, height=24):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def test_a_photo_is_saved_as_it_came_or_as_asked(tmp_path):
    photo = Photo(jpeg(), protocol.CODEC_JPEG, 32, 24)
    photo.save(tmp_path / "seen.jpg")
    assert (tmp_path / "seen.jpg").read_bytes() == photo.data
    photo.save(tmp_path / "seen.png")
    with Image.open(tmp_path / "seen.png") as image:
        assert (image.format, image.size) == ("PNG", (32, 24))


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg()[:100], jpeg()[:-200]])
def test_a_photo_that_is_no_picture(tmp_path, data):
    with pytest.raises(MediaError, match="cannot be decoded"):
        Photo(data, protocol.CODEC_JPEG, 32, 24).save(tmp_path / "seen.png")
    assert not (tmp_path / "seen.png").exists()


def test_a_picture_too_large_to_be_honest(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(MediaError):
        Photo(jpeg(), protocol.CODEC_JPEG, 32, 24).image()


@pytest.mark.parametrize("name", ["photo", "photo.xyz", "photo.wav"])
def test_a_name_that_is_no_pictures(name):
    with pytest.raises(MediaError, match=r"photo\.jpg"):
        check_path(name)
