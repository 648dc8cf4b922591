# SPDX-License-Identifier: Apache-2.0
"""Commands by Vosk, kept to their words by a grammar.

Its interface was read (alphacep/vosk-api at 06c808a, python/vosk/__init__.py, classes Model and
KaldiRecognizer) and not tried here.
"""

import json
from collections.abc import Mapping, Sequence

import vosk

from glint.speech import RATE_HZ, SpeechError, matching


class Vosk:
    """Vosk; see `glint.speech.Recognizer`.

    Args:
        commands: What can be said, by command.
        model: Folder of a model; None for its small English one, which it downloads.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], model: str | None) -> None:
        self._commands = commands
        # "[unk]" takes what is none of them.
        self._grammar = json.dumps([*(p for ps in commands.values() for p in ps), "[unk]"])
        try:
            self._model = vosk.Model(model) if model else vosk.Model(lang="en-us")
        except Exception as error:  # vosk raises bare ones
            raise SpeechError(f"vosk cannot use the model {model or 'en-us'}: {error}.") from error

    def command(self, pcm: bytes) -> str | None:
        """Recognises a command; see `glint.speech.Recognizer`."""
        try:
            heard = vosk.KaldiRecognizer(self._model, RATE_HZ, self._grammar)
            heard.AcceptWaveform(pcm)
            text = json.loads(heard.FinalResult()).get("text", "")
        except Exception as error:
            raise SpeechError(f"vosk failed: {error}.") from error
        return matching(text, self._commands)
