# SPDX-License-Identifier: Apache-2.0
"""Tests recognising commands after the wake word; `workbench.measure.speech` measures how well."""

import asyncio
import json

import glint
import numpy as np
import pytest
from glint import speech
from glint.speech import COMMANDS, SpeechError, matching, recognizer
from workbench.emulation import sound
from workbench.measure.speech import as_heard

SILENCE = bytes(2 * 16000)


@pytest.fixture(scope="module")
def ears():
    return recognizer()


@pytest.mark.parametrize("phrase", ["take a photo", "what do you see"])
def test_commands_are_understood(ears, phrase):
    wanted = matching(phrase, COMMANDS)
    assert ears.command(as_heard(phrase, "en-us", 40)) == wanted


@pytest.mark.parametrize("phrase", ["the weather is nice today", "play some music"])
def test_other_speech_is_no_command(ears, phrase):
    assert ears.command(as_heard(phrase, "en-us", 40)) is None


def test_silence_noise_and_nothing_are_no_command(ears):
    noise = np.random.default_rng(1).normal(0, 3000, 32000).astype(np.int16).tobytes()
    for pcm in (SILENCE, noise, b"", b"\0\0"):
        assert ears.command(pcm) is None


async def test_what_was_said_before_the_wake_word_was_decided_is_left_out(ears):
    before, said = sound.speech("stop", "en-us"), as_heard("take a photo", "en-us", 40)
    room = np.zeros(8000, np.int16)
    room[: min(4000, len(before))] = before[:4000]
    audio = glint.Audio(room.tobytes() + said, 16000, 500, 7)
    assert await speech.command(audio, ears) == "photo"
    with pytest.raises(SpeechError, match="8000 Hz"):
        await speech.command(glint.Audio(said, 8000, 0, 7), ears)


def test_a_recogniser_that_is_not_there_is_named():
    with pytest.raises(SpeechError, match="there are: pocketsphinx, faster-whisper"):
        recognizer("parrot")
    with pytest.raises(SpeechError, match="lacks a word"):
        recognizer(commands={"x": ["glimmer glxnt"]})
    for name in ("faster-whisper", "vosk"):
        with pytest.raises(SpeechError, match=f"pip install {name}"):
            recognizer(name)
    with pytest.raises(SpeechError, match="needs an address"):
        recognizer("openai")


@pytest.mark.parametrize(
    ("text", "command"),
    [("Take a photo.", "photo"), ("WHAT DO YOU SEE?", "look"), ("take a photo now", None)],
)
def test_text_is_matched_without_case_and_punctuation(text, command):
    assert matching(text, COMMANDS) == command


async def test_a_server_that_speaks_openais_protocol():
    asked = []

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        asked.append(head + await reader.readexactly(length))
        body = json.dumps({"text": "What do you see?"}).encode()
        if len(asked) > 1:
            body = b"[]"
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ears = recognizer("openai", model=f"http://127.0.0.1:{port}/v1#small")
    try:
        assert await asyncio.to_thread(ears.command, SILENCE) == "look"
        with pytest.raises(SpeechError, match="gave no transcription"):
            await asyncio.to_thread(ears.command, SILENCE)
    finally:
        server.close()
    assert asked[0].startswith(b"POST /v1/audio/transcriptions ")
    assert b'name="model"\r\n\r\nsmall\r\n' in asked[0]
    assert b"RIFF" in asked[0]
