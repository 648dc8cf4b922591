# SPDX-License-Identifier: Apache-2.0
"""Makes microphone samples from sound files, and speech from text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.emulation import espeak
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


def speech(text: str, voice: str = "en-us") -> Samples:
    """Speaks text with eSpeak NG, and trims the silence around it.

    Raises:
        SoundError: eSpeak NG is not installed, or has no such voice.
    """
    try:
        library = espeak.engine()
        spoken = to_16_khz(library.say(text, voice), library.rate_hz)
    except espeak.EspeakError as error:
        raise SoundError(str(error)) from None
    return trimmed(spoken)


def trimmed(spoken: Samples) -> Samples:
    """Cuts the silence before and after speech."""
    loud = np.flatnonzero(np.abs(spoken) > 200)
    return spoken[loud[0] : loud[-1] + 1] if len(loud) else spoken
