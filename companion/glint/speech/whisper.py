# SPDX-License-Identifier: Apache-2.0
"""Commands by faster-whisper, whose models it downloads by itself.

Its interface was read (SYSTRAN/faster-whisper at 9516429, faster_whisper/transcribe.py, class
WhisperModel) and not tried here.
"""

from collections.abc import Mapping, Sequence

import faster_whisper
import numpy as np

from glint.speech import SpeechError, matching


class Whisper:
    """faster-whisper, on the processor; see `glint.speech.Recognizer`.

    Args:
        commands: What can be said, by command.
        model: Name or folder of a model.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], model: str) -> None:
        self._commands = commands
        try:
            self._model = faster_whisper.WhisperModel(model, device="cpu", compute_type="int8")
        except Exception as error:  # of several packages below it
            raise SpeechError(f"faster-whisper cannot use the model {model}: {error}.") from error

    def command(self, pcm: bytes) -> str | None:
        """Recognises a command; see `glint.speech.Recognizer`."""
        samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768
        try:
            segments, _ = self._model.transcribe(samples, language="en", vad_filter=True)
            text = " ".join(segment.text for segment in segments)
        except Exception as error:
            raise SpeechError(f"faster-whisper failed: {error}.") from error
        return matching(text, self._commands)
