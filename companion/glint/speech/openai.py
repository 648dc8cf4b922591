# SPDX-License-Identifier: Apache-2.0
"""Commands by a server that speaks OpenAI's protocol for transcriptions, here or elsewhere.

POST ADDRESS/audio/transcriptions with a form of `file` and `model`, answered with {"text": ...}
(openai/openai-python, src/openai/resources/audio/transcriptions.py). The sound leaves this machine
if the address is another's.
"""

import io
import os
import wave
from collections.abc import Mapping, Sequence

import httpx

from glint.speech import RATE_HZ, SpeechError, matching

_TIMEOUT_S = 30.0
_MODEL = "whisper-1"


class OpenAi:
    """A server for transcriptions; see `glint.speech.Recognizer`.

    Args:
        commands: What can be said, by command.
        address: Its address with the version, as http://127.0.0.1:8000/v1#MODEL.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], address: str | None) -> None:
        self._commands = commands
        if not address or not address.startswith(("http://", "https://")):
            raise SpeechError("The recogniser openai needs an address: http://HOST:PORT/v1#MODEL.")
        self._address, _, self._model = address.partition("#")
        key = os.environ.get("OPENAI_API_KEY")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def command(self, pcm: bytes) -> str | None:
        """Recognises a command; see `glint.speech.Recognizer`."""
        file = io.BytesIO()
        with wave.open(file, "wb") as written:
            written.setnchannels(1)
            written.setsampwidth(2)
            written.setframerate(RATE_HZ)
            written.writeframes(pcm)
        try:
            response = httpx.post(
                f"{self._address.rstrip('/')}/audio/transcriptions",
                files={"file": ("said.wav", file.getvalue(), "audio/wav")},
                data={"model": self._model or _MODEL, "language": "en"},
                headers=self._headers,
                timeout=_TIMEOUT_S,
            )
            response.raise_for_status()
            text = response.json()["text"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise SpeechError(f"{self._address} gave no transcription: {why}.") from error
        return matching(str(text), self._commands)
