# SPDX-License-Identifier: Apache-2.0
"""What was said after the wake word: commands, recognised on this machine::

    ears = glint.speech.recognizer()
    async for event in glasses.events():
        if isinstance(event, glint.Wake):
            command = await glint.speech.command(await glasses.audio(event), ears)
            if command == "photo":
                ...

A word that is said again while the glasses record has no recording: `audio` raises MediaError.
`recognizer()` is offline and needs `pip install 'glint-companion[speech]'`. Better ones, with
models that are had elsewhere, are taken by name when their package is installed.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from glint.audio import SAMPLE_BYTES, Audio
from glint.errors import GlintError

RATE_HZ = 16000
# What can be said, by the command that it stands for.
COMMANDS: Mapping[str, Sequence[str]] = {
    "photo": ("take a photo", "take a picture"),
    "look": ("what do you see", "what do i see"),
    "battery": ("battery",),
    "note": ("record a note",),
    "stop": ("stop",),
}
RECOGNIZERS = ("pocketsphinx", "faster-whisper", "vosk", "openai")
# The wake word was decided somewhat after its end: so much before that may be the command's.
_MARGIN_MS = 150


class SpeechError(GlintError):
    """A recogniser cannot be had, or fails; the message says what to do."""


class Recognizer(Protocol):
    """Turns sound into one of the commands that it was made for."""

    def command(self, pcm: bytes) -> str | None:
        """Recognises a command; takes time, so call it in a thread.

        Args:
            pcm: Signed 16-bit samples, one channel, 16 kHz, in the machine's byte order.

        Returns:
            A key of the commands; None for anything else, and for silence.

        Raises:
            SpeechError: It fails.
        """


def recognizer(
    name: str = "pocketsphinx",
    commands: Mapping[str, Sequence[str]] = COMMANDS,
    model: str | None = None,
) -> Recognizer:
    """Returns a recogniser.

    Args:
        name: One of `RECOGNIZERS`: pocketsphinx; faster-whisper; vosk; openai for anything that
            speaks OpenAI's protocol for transcriptions.
        commands: What can be said, by command.
        model: For faster-whisper and vosk the model's name or folder; for openai the address, as
            http://127.0.0.1:8000/v1#MODEL, with the key in OPENAI_API_KEY if it wants one.

    Raises:
        SpeechError: There is none of that name, or its package is not installed.
    """
    try:
        if name == "pocketsphinx":
            from glint.speech.sphinx import Sphinx

            return Sphinx(commands)
        if name == "faster-whisper":
            from glint.speech.whisper import Whisper

            return Whisper(commands, model or "base.en")
        if name == "vosk":
            from glint.speech.vosk import Vosk

            return Vosk(commands, model)
        if name == "openai":
            from glint.speech.openai import OpenAi

            return OpenAi(commands, model)
    except ImportError as error:
        package = "'glint-companion[speech]'" if name == "pocketsphinx" else name
        package = "httpx" if name == "openai" else package
        raise SpeechError(f"{error}: pip install {package}.") from None
    raise SpeechError(f"No recogniser {name!r}; there are: {', '.join(RECOGNIZERS)}.")


async def command(audio: Audio, ears: Recognizer) -> str | None:
    """Recognises the command in the sound around a wake word.

    Args:
        audio: What `Glasses.audio` gives of the wake word's event.
        ears: The recogniser.

    Returns:
        The command; None for anything else.

    Raises:
        SpeechError: The recogniser fails, or the sound has another rate.
    """
    if audio.rate_hz != RATE_HZ:
        raise SpeechError(f"The sound has {audio.rate_hz} Hz; {RATE_HZ} are understood.")
    skipped_ms = max(0, audio.preroll_ms - _MARGIN_MS)
    after = audio.pcm[skipped_ms * RATE_HZ // 1000 * SAMPLE_BYTES :]
    return await asyncio.to_thread(ears.command, after)


def matching(text: str, commands: Mapping[str, Sequence[str]]) -> str | None:
    """Returns the command whose phrase a text is, whatever its case and punctuation."""
    said = " ".join(re.findall(r"[\w']+", text.lower()))
    for name, phrases in commands.items():
        if said in (phrase.lower() for phrase in phrases):
            return name
    return None
