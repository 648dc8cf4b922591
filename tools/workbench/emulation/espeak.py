# SPDX-License-Identifier: Apache-2.0
"""eSpeak NG in this process; its C interface is described in its speak_lib.h."""

from __future__ import annotations

import ctypes
import functools

import numpy as np
import numpy.typing as npt

from workbench.errors import WorkbenchError

USUAL_WORDS_PER_MIN = 175
USUAL_PITCH = 50


class EspeakError(WorkbenchError):
    """eSpeak NG is not installed, does not start, or lacks a voice."""


class _Voice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class Espeak:
    """The library, which has one state for the whole process.

    Attributes:
        rate_hz: Sample rate of what it says.
        data: The folder of its voices and dictionaries.
    """

    AUDIO_OUTPUT_SYNCHRONOUS = 2
    CHARS_UTF8 = 1
    PHONEMES = 0x100  # text between [[ and ]] is phonemes
    RATE = 1
    PITCH = 3
    SEPARATOR_SHIFT = 8

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError:
            raise EspeakError("speech: pip install espeakng-loader") from None
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.data: str = espeakng_loader.get_data_path()
        rate_hz = self._library.espeak_Initialize(
            self.AUDIO_OUTPUT_SYNCHRONOUS, 0, self.data.encode(), 0
        )
        if rate_hz <= 0:
            raise EspeakError("speech: eSpeak NG did not start")
        self.rate_hz = int(rate_hz)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._set = {self.RATE: USUAL_WORDS_PER_MIN, self.PITCH: USUAL_PITCH}
        self._pieces: list[bytes] = []
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._callback = callback(self._collect)  # kept: the library holds only the pointer
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    def _choose(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise EspeakError(f"speech: no voice {voice}")

    def _parameter(self, which: int, value: int) -> None:
        if self._set[which] != value:
            self._library.espeak_SetParameter(which, value, 0)
            self._set[which] = value

    def say(
        self,
        text: str,
        voice: str,
        *,
        words_per_min: int = USUAL_WORDS_PER_MIN,
        pitch: int = USUAL_PITCH,
    ) -> npt.NDArray[np.int16]:
        """Returns samples at `rate_hz`; what `text` has between [[ and ]] is phonemes.

        Raises:
            EspeakError: There is no such voice.
        """
        self._pieces.clear()
        self._choose(voice)
        self._parameter(self.RATE, words_per_min)
        self._parameter(self.PITCH, pitch)
        data = text.encode()
        flags = self.CHARS_UTF8 | (self.PHONEMES if "[[" in text else 0)
        self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, flags, None, None)
        self._library.espeak_Synchronize()
        return np.frombuffer(b"".join(self._pieces), np.int16)

    def phonemes(self, text: str, voice: str) -> list[list[str]]:
        """The phonemes of each word of `text`, in eSpeak NG's own letters, with stress marks.

        Raises:
            EspeakError: There is no such voice.
        """
        self._choose(voice)
        buffer = ctypes.create_string_buffer(text.encode())
        at = ctypes.c_void_p(ctypes.addressof(buffer))
        said = []
        while at.value:
            mode = ord("_") << self.SEPARATOR_SHIFT
            clause = self._library.espeak_TextToPhonemes(ctypes.byref(at), self.CHARS_UTF8, mode)
            said.append((clause or b"").decode())
        words = " ".join(said).split()
        return [[one for one in word.split("_") if one] for word in words]

    def voices(self) -> dict[str, str]:
        """The names of its voices by the code of their language, such as "en-us"."""
        found: dict[str, str] = {}
        for voice in self._library.espeak_ListVoices(None):
            if not voice:
                break
            # A byte of priority, then the code; more such pairs may follow.
            code = ctypes.string_at(voice.contents.languages + 1).decode()
            found.setdefault(code, voice.contents.identifier.decode())
        return dict(sorted(found.items()))


@functools.cache
def engine() -> Espeak:
    """The library, started once.

    Raises:
        EspeakError: It is not installed, or does not start.
    """
    return Espeak()
