# SPDX-License-Identifier: Apache-2.0
"""Makes microphone samples from sound files, and speech from text."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.errors import WorkbenchError

SAMPLE_RATE_HZ = 16000
Samples = npt.NDArray[np.int16]


class SoundError(WorkbenchError):
    """A sound file cannot be read, or speech cannot be made."""


def load(path: Path) -> Samples:
    """Reads a sound file as 16 kHz mono int16 samples, resampling and mixing down if necessary.

    Raises:
        SoundError: No such file, or not a sound file.
    """
    import soundfile

    if not path.is_file():
        raise SoundError(f"sound: no file {path}")
    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate == SAMPLE_RATE_HZ and file.channels == 1:
                return np.asarray(file.read(dtype="int16"), np.int16)
            mixed = file.read(dtype="float32", always_2d=True).mean(axis=1)
            return to_16_khz(mixed * 32768, file.samplerate)
    except soundfile.LibsndfileError as error:
        raise SoundError(f"sound: cannot read {path}: {error.error_string}") from error


def save(path: Path, samples: Samples) -> None:
    """Writes a 16 kHz mono WAV."""
    import soundfile

    soundfile.write(path, samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")


def to_16_khz(samples: npt.NDArray[np.generic], rate_hz: int) -> Samples:
    """Resamples one channel of samples in int16's range, saturated."""
    import soxr

    resampled = soxr.resample(samples.astype(np.float32), rate_hz, SAMPLE_RATE_HZ)
    return np.clip(np.round(resampled), -32768, 32767).astype(np.int16)


def silence(seconds: float) -> Samples:
    """Returns silence of this length."""
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16)


def noise(seconds: float, rms: float, seed: int = 0) -> Samples:
    """Returns first-order low-passed Gaussian noise like a quiet room's; level in int16 steps."""
    white = np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE_HZ))
    shaped = np.zeros_like(white)
    level = 0.0
    for i, value in enumerate(white):
        level += 0.2 * (value - level)
        shaped[i] = level
    shaped *= rms / max(1e-9, float(np.sqrt(np.mean(shaped**2))))
    return np.clip(np.round(shaped), -32768, 32767).astype(np.int16)


def join(*tracks: Samples) -> Samples:
    """Joins tracks one after another."""
    return np.concatenate(tracks)


def mix(*tracks: Samples) -> Samples:
    """Mixes tracks that start together, saturated; the result is as long as the longest."""
    total = np.zeros(max(len(track) for track in tracks), np.int32)
    for track in tracks:
        total[: len(track)] += track
    return np.clip(total, -32768, 32767).astype(np.int16)


class _Espeak:
    """eSpeak NG in this process; its C interface is described in its speak_lib.h."""

    AUDIO_OUTPUT_SYNCHRONOUS = 2
    CHARS_UTF8 = 1

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError:
            raise SoundError("speech: pip install espeakng-loader") from None
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        rate_hz = self._library.espeak_Initialize(self.AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0)
        if rate_hz <= 0:
            raise SoundError("speech: eSpeak NG did not start")
        self._rate_hz = int(rate_hz)
        self._pieces: list[bytes] = []
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._callback = callback(self._collect)  # kept: the library holds only the pointer
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    def say(self, text: str, voice: str) -> Samples:
        self._pieces.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise SoundError(f"speech: no voice {voice}")
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, self.CHARS_UTF8, None, None)
        self._library.espeak_Synchronize()
        spoken = np.frombuffer(b"".join(self._pieces), np.int16)
        return to_16_khz(spoken, self._rate_hz)


@functools.cache
def _espeak() -> _Espeak:
    return _Espeak()


def speech(text: str, voice: str = "en-us") -> Samples:
    """Speaks text with eSpeak NG, and trims the silence around it.

    Raises:
        SoundError: eSpeak NG is not installed, or has no such voice.
    """
    spoken = _espeak().say(text, voice)
    loud = np.flatnonzero(np.abs(spoken) > 200)
    return spoken[loud[0] : loud[-1] + 1] if len(loud) else spoken
