# SPDX-License-Identifier: Apache-2.0
"""Converts a voice to other voices, with the WORLD vocoder (pyworld)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.emulation import sound

FRAME_MS = 5.0
FFT = 1024
LOWEST_HZ = 60.0
HIGHEST_HZ = 500.0
# The range of factors for formants: from a body larger than the speaker's to a child's.
FORMANTS = (0.84, 1.2)
PITCH_HZ = (80.0, 280.0)
TIMING = (0.78, 1.3)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """The parts into which WORLD splits speech, a row for each 5 ms.

    Attributes:
        pitch_hz: Shape (frames,); 0 in unvoiced frames.
        envelope: Power spectrum, shape (frames, FFT / 2 + 1).
        aperiodicity: Share of noise, of the same shape.
    """

    pitch_hz: Floats
    envelope: Floats
    aperiodicity: Floats


def take_apart(samples: sound.Samples) -> Parts:
    """Splits speech into its parts."""
    import pyworld as world

    x = samples.astype(np.float64) / 32768
    rate = sound.SAMPLE_RATE_HZ
    rough, times = world.dio(x, rate, f0_floor=LOWEST_HZ, f0_ceil=HIGHEST_HZ, frame_period=FRAME_MS)
    pitch = world.stonemask(x, rough, times, rate)
    envelope = world.cheaptrick(x, pitch, times, rate, fft_size=FFT)
    return Parts(pitch, envelope, world.d4c(x, pitch, times, rate, fft_size=FFT))


def put_together(parts: Parts) -> sound.Samples:
    """Synthesizes speech from its parts."""
    import pyworld

    made = pyworld.synthesize(
        np.ascontiguousarray(parts.pitch_hz),
        np.ascontiguousarray(parts.envelope),
        np.ascontiguousarray(parts.aperiodicity),
        sound.SAMPLE_RATE_HZ,
        FRAME_MS,
    )
    samples: sound.Samples = np.clip(np.round(made * 32768), -32768, 32767).astype(np.int16)
    return samples


def _between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """Draws a factor from a log-uniform distribution."""
    return float(np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]))))


def _rows(table: Floats, at: Floats) -> Floats:
    """Interpolates rows of a table at fractional indices."""
    low = np.minimum(at.astype(int), len(table) - 1)
    high = np.minimum(low + 1, len(table) - 1)
    share = at - low
    if table.ndim > 1:
        share = share[:, None]
    mixed: Floats = table[low] * (1 - share) + table[high] * share
    return mixed


def _timed(parts: Parts, at: Floats) -> Parts:
    voiced = parts.pitch_hz[np.minimum(np.round(at).astype(int), len(parts.pitch_hz) - 1)] > 0
    # Unvoiced frames have no pitch to interpolate, so the nearest voiced frames' is used.
    known = np.flatnonzero(parts.pitch_hz)
    if len(known):
        pitch = np.interp(at, known, parts.pitch_hz[known]) * voiced
    else:
        pitch = np.zeros(len(at))
    return Parts(pitch, _rows(parts.envelope, at), _rows(parts.aperiodicity, at))


def converted(parts: Parts, rng: np.random.Generator) -> Parts:
    """Converts speech: new formants, pitch, melody, timing, brightness and breath."""
    # Speed varies within the word, by a smooth curve, as well as overall.
    frames = len(parts.pitch_hz)
    knots = np.exp(rng.normal(0, 0.12, 5)) / _between(rng, TIMING)
    pace = np.interp(np.linspace(0, 4, frames), np.arange(5), knots)
    reached = np.cumsum(pace) - pace[0]
    at = np.interp(np.arange(0, frames / pace.mean() - 1), np.arange(frames), reached)
    made = _timed(parts, np.clip(at, 0, frames - 1))
    formants = _between(rng, FORMANTS)
    bins = np.arange(FFT // 2 + 1)
    # The frequency scale is bent, so that not all formants move alike.
    bend = 1 + rng.normal(0, 0.03) * np.sin(np.pi * bins / bins[-1])
    place = np.clip(bins / formants * bend, 0, bins[-1])
    tilt_db = rng.normal(0, 3) * (bins / bins[-1] - 0.3) * 2
    envelope = _rows(made.envelope.T, place).T * 10 ** (tilt_db / 10)
    aperiodicity = _rows(made.aperiodicity.T, place).T
    aperiodicity = np.clip(aperiodicity ** _between(rng, (0.6, 1.4)), 0.0, 1.0)
    pitch = made.pitch_hz
    voiced = pitch > 0
    if voiced.any():
        mean = float(np.exp(np.log(pitch[voiced]).mean()))
        # Small bodies mostly have high voices.
        target = _between(rng, PITCH_HZ) * formants
        melody = (np.maximum(pitch, 1) / mean) ** rng.uniform(0.3, 1.7)
        drift = np.exp(np.linspace(0, rng.normal(0, 0.12), len(pitch)))
        pitch = np.clip(target * melody * drift, LOWEST_HZ, HIGHEST_HZ) * voiced
    return Parts(pitch, envelope, aperiodicity)


def _path(a: Floats, b: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Aligns the frames of two utterances by dynamic time warping."""
    cost = np.sqrt(np.maximum(0, (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T))
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    total[0, 0] = 0
    # Diagonal by diagonal, so that numpy does the inner loop.
    for diagonal in range(2, len(a) + len(b) + 1):
        i = np.arange(max(1, diagonal - len(b)), min(len(a), diagonal - 1) + 1)
        j = diagonal - i
        before = np.minimum(np.minimum(total[i - 1, j], total[i, j - 1]), total[i - 1, j - 1])
        total[i, j] = cost[i - 1, j - 1] + before
    row, column = len(a), len(b)
    path = []
    while row and column:
        path.append((row - 1, column - 1))
        steps = (
            total[row - 1, column - 1],
            total[row - 1, column],
            total[row, column - 1],
        )
        best = int(np.argmin(steps))
        row, column = row - (best != 2), column - (best != 1)
    pairs = np.array(path[::-1])
    return pairs[:, 0], pairs[:, 1]


def _summary(envelope: Floats) -> Floats:
    """Returns the log spectrum, without loudness, in 24 bands that widen as those of hearing do."""
    edges = (np.linspace(0, 1, 25) ** 2 * (envelope.shape[1] - 25)).astype(int) + np.arange(25)
    bands = np.log(np.add.reduceat(envelope, edges[:-1], axis=1) + 1e-12)
    centred: Floats = bands - bands.mean(1, keepdims=True) * 0.7
    return centred


def morphed(a: Parts, b: Parts, share: float) -> Parts:
    """Blends the voices of two utterances of one text; `share` is the second's."""
    i, j = _path(_summary(a.envelope), _summary(b.envelope))
    # The path repeats frames of one while the other advances; the result's length is in between.
    frames = round(len(a.pitch_hz) * (1 - share) + len(b.pitch_hz) * share)
    keep = np.round(np.linspace(0, len(i) - 1, frames)).astype(int)
    i, j = i[keep], j[keep]

    def mixed(x: Floats, y: Floats) -> Floats:
        made: Floats = np.exp(np.log(x + 1e-16) * (1 - share) + np.log(y + 1e-16) * share)
        return made

    first, second = a.pitch_hz[i], b.pitch_hz[j]
    both = (first > 0) & (second > 0)
    one = first if share < 0.5 else second
    pitch = np.where(both, mixed(np.maximum(first, 1), np.maximum(second, 1)), one)
    return Parts(
        pitch,
        mixed(a.envelope[i], b.envelope[j]),
        a.aperiodicity[i] * (1 - share) + b.aperiodicity[j] * share,
    )
