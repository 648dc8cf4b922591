# SPDX-License-Identifier: Apache-2.0
"""The effects on speech on its way to the model: room, noise, microphone, codec, clipping."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workbench.emulation import sound
from workbench.host import micdsp

Floats = npt.NDArray[np.float64]
RATE_HZ = sound.SAMPLE_RATE_HZ
# The share of clips with each effect.
ROOM_SHARE = 0.75
NOISE_SHARE = 0.8
BABBLE_SHARE = 0.3
MICROPHONE_SHARE = 0.7
CODEC_SHARE = 0.12
CLIPPED_SHARE = 0.06
SNR_DB = (3.0, 35.0)
LEVEL_DBFS = (-46.0, -12.0)
IMAGE_ORDER = 10


def responses(seed: int, count: int) -> list[Floats]:
    """Makes impulse responses of rooms from closets to halls, the speaker at 0.3 to 4 m."""
    import pyroomacoustics

    rng = np.random.default_rng([seed, 1])
    made: list[Floats] = []
    while len(made) < count:
        size = rng.uniform([1.8, 1.8, 2.1], [8.0, 7.0, 3.6])
        material = pyroomacoustics.Material(float(rng.uniform(0.12, 0.7)))
        room = pyroomacoustics.ShoeBox(
            size, fs=RATE_HZ, materials=material, max_order=IMAGE_ORDER, air_absorption=True
        )
        microphone = rng.uniform([0.4, 0.4, 0.8], size - [0.4, 0.4, 0.3])
        direction = rng.normal(0, [1, 1, 0.3])
        away = float(np.exp(rng.uniform(np.log(0.3), np.log(4.0))))
        source = microphone + direction / np.linalg.norm(direction) * away
        if (source < 0.2).any() or (source > size - 0.2).any():
            continue
        room.add_source(source)
        room.add_microphone(microphone)
        room.compute_rir()
        response = np.asarray(room.rir[0][0], np.float64)
        first = int(np.argmax(np.abs(response) > 0.2 * np.abs(response).max()))
        response = response[first:]
        made.append(response / np.sqrt(np.sum(response**2)))
    return made


def _loudness(x: Floats) -> float:
    return float(np.sqrt(np.mean(x**2))) + 1e-9


def _coloured(rng: np.random.Generator, count: int) -> Floats:
    """Makes noise whose spectrum falls by 0 to 9 dB per octave, sometimes with a mains hum."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** rng.uniform(0, 1.5)
    made = np.fft.irfft(spectrum, count)
    made /= _loudness(made)
    if rng.random() < 0.15:
        hum_hz = rng.choice([50, 60, 100, 120]) * rng.uniform(0.99, 1.01)
        made += rng.uniform(0.2, 1) * np.sin(2 * np.pi * hum_hz * np.arange(count) / RATE_HZ)
    if rng.random() < 0.3:
        # Its level varies, like that of traffic.
        made *= np.interp(np.linspace(0, 4, count), np.arange(5), rng.uniform(0.2, 1.5, 5))
    noise: Floats = made
    return noise


def _microphone(x: Floats, rng: np.random.Generator) -> Floats:
    """Applies a microphone's frequency response: a smooth curve between two band edges."""
    spectrum = np.fft.rfft(x)
    hz = np.fft.rfftfreq(len(x), 1 / RATE_HZ)
    knots_hz = np.array([0, 150, 400, 1000, 2000, 3500, 5500, 8000])
    gain_db = np.interp(hz, knots_hz, rng.normal(0, 3, len(knots_hz)))
    low_hz, high_hz = rng.uniform(20, 250), rng.uniform(3800, 9000)
    gain = 10 ** (gain_db / 20) / np.sqrt(1 + (low_hz / np.maximum(hz, 1)) ** 4)
    gain /= np.sqrt(1 + (hz / high_hz) ** 8)
    heard: Floats = np.fft.irfft(spectrum * gain, len(x))
    return heard


def _coded(x: sound.Samples, rng: np.random.Generator) -> sound.Samples:
    """Applies a telephone's mu-law at 8 kHz, or mu-law at 16 kHz."""
    wide = x.astype(np.float64) / 32768
    if rng.random() < 0.5:
        wide = np.repeat((wide[::2][: len(wide) // 2] + wide[1::2]) / 2, 2)
    code = np.sign(wide) * np.log1p(255 * np.abs(wide)) / np.log(256)
    code = np.round(code * 127) / 127
    plain = np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255
    samples: sound.Samples = np.clip(plain * 32768, -32768, 32767).astype(np.int16)
    return samples


class World:
    """Rooms and noises for clips; the same for the same seed."""

    def __init__(self, seed: int, rooms: int) -> None:
        """Makes impulse responses."""
        self._responses = responses(seed, rooms)

    def heard(
        self, speech: Floats, babble: Floats | None, rng: np.random.Generator
    ) -> sound.Samples:
        """Returns what a device's microphone records.

        Args:
            speech: A clip in any scale; silence is allowed.
            babble: Other speech in the same room, or None.
            rng: Draws the room, the noises and their levels.
        """
        x = speech
        count = len(x)
        if rng.random() < ROOM_SHARE:
            response = self._responses[int(rng.integers(len(self._responses)))]
            size = 1 << (count + len(response) - 1).bit_length()
            x = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(response, size), size)[:count]
        loud = _loudness(x[x != 0]) if x.any() else 1.0
        x = x / loud
        if rng.random() < NOISE_SHARE or not speech.any():
            x = x + _coloured(rng, count) * 10 ** (-rng.uniform(*SNR_DB) / 20)
        if babble is not None and babble.any() and rng.random() < BABBLE_SHARE:
            level = 10 ** (-rng.uniform(6, 30) / 20)
            x = x + babble / _loudness(babble[babble != 0]) * level
        # Every microphone has noise of its own.
        x = x + rng.standard_normal(count) * 10 ** (rng.uniform(-70, -45) / 20)
        if rng.random() < MICROPHONE_SHARE:
            x = _microphone(x, rng)
        gain = 32768 * 10 ** (rng.uniform(*LEVEL_DBFS) / 20)
        if rng.random() < CLIPPED_SHARE:
            gain *= 10 ** (rng.uniform(6, 20) / 20)
        samples = np.clip(np.round(x * gain), -32768, 32767).astype(np.int16)
        if rng.random() < CODEC_SHARE:
            samples = _coded(samples, rng)
        return samples


def features(samples: sound.Samples) -> npt.NDArray[np.uint8]:
    """Returns the front-end's features as a microWakeWord model takes them, plus 128.

    Shape (frames, 40): a frame each 10 ms, from the device's own C code.
    """
    values = micdsp.Frontend().process(samples).astype(np.float32)
    scaled = np.round(values * np.float32(FEATURE_UNIT / FEATURE_STEP))
    return np.clip(scaled, 0, 255).astype(np.uint8)


# The value of a feature's lowest bit, and of a step of the input tensor, which covers 0 to 26.
FEATURE_UNIT = 0.0390625
FEATURE_STEP = 26 / 255
