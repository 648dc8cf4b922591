# SPDX-License-Identifier: Apache-2.0
"""Sounds for the tests of micdsp."""

import functools
from pathlib import Path

import numpy as np
import pytest
from workbench.emulation import sound

SAMPLE_RATE_HZ = 16000
COUNT = 2 * SAMPLE_RATE_HZ
# Recordings beside some checkouts, which we may not copy.
RECORDINGS = Path(__file__).parents[3] / "shared" / "audio"

SQUARES_HZ = (50, 440.3, 1000, 4000, 7999)
CRAFTED_BINS = (3, 20, 32.3, 64)

NAMES = [
    "speech",
    *(f"recording {name}" for name in ("yes", "no", "noise", "silence")),
    "noise",
    "faint noise",
    "loud noise",
    "bursts",
    "silence",
    "random",
    "negative full scale",
    "positive full scale",
    "impulses",
    "chirp",
    *(f"square {hz}" for hz in SQUARES_HZ),
    *(f"clipped sine {hz}" for hz in SQUARES_HZ),
    *(f"crafted {k}" for k in CRAFTED_BINS),
]


@functools.cache
def samples(name):
    """The samples of a case, int16 at 16 kHz, an even number; skips where it cannot be had."""
    kind, _, detail = name.partition(" ")
    if name == "speech":
        pytest.importorskip("espeakng_loader", reason="espeakng-loader is not installed")
        return sound.speech("okay nabu, what is the weather like today?", "en-us")[:COUNT]
    if kind == "recording":
        path = RECORDINGS / f"{detail}_1000ms.wav"
        if not path.is_file():
            pytest.skip(f"no recording at {path}")
        return np.tile(sound.load(path), 2)
    return np.clip(synthesize(name, kind, detail), -32768, 32767).astype(np.int16)


def synthesize(name, kind, detail):
    rng = np.random.default_rng(1)
    time_s = np.arange(COUNT) / SAMPLE_RATE_HZ
    if name.endswith("noise"):
        return rng.normal(0, {"noise": 300, "faint noise": 1, "loud noise": 15000}[name], COUNT)
    if name == "bursts":
        return rng.normal(0, 1000, COUNT) * np.repeat(10 ** rng.uniform(-3, 1.5, COUNT // 160), 160)
    if name == "silence":
        return np.zeros(COUNT)
    if name == "random":
        return rng.integers(-32768, 32768, COUNT)
    if name == "negative full scale":
        return np.full(COUNT, -32768)
    if name == "positive full scale":
        return np.full(COUNT, 32767)
    if name == "impulses":
        # -32768 has no magnitude in int16: the original's scaling does not see it.
        return np.where(rng.random(COUNT) < 0.01, -32768, rng.integers(-40, 40, COUNT))
    if name == "chirp":
        return 20000 * np.sin(np.pi * 8000 / time_s[-1] * time_s**2)
    if kind == "square":
        return 32767 * np.sign(np.sin(2 * np.pi * float(detail) * time_s + 0.1))
    if kind == "clipped":
        hz = float(detail.split()[1])
        return 60000 * np.sin(2 * np.pi * hz * time_s)
    # Undoes the window, so that the FFT gets full scale everywhere and its sums wrap.
    turns = np.exp(2j * np.pi * float(detail) * np.arange(240) / 256 + 0.3j)
    signs = np.stack([np.sign(turns.real), np.sign(turns.imag)], axis=1).ravel()
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(480) + 0.5) / 480)
    return np.tile(np.clip(4000 / hann * signs, -32768, 32767), 20)
