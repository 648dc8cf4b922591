#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes core/tables.c: the constant tables of the microphone front-end.

Usage: python firmware/modules/micdsp/make_tables.py [FILE]

The formulas are those of TensorFlow's tensorflow/lite/experimental/microfrontend/lib (named below
by file) and of KISS FFT (_kiss_fft_guts.h, kiss_fftr.c, FIXED_POINT=16), for the settings that
microWakeWord and pymicro-features use. Where the original computes in C `float`, `f32` rounds.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from pathlib import Path

SAMPLE_RATE_HZ = 16000
WINDOW_SAMPLES = 480
FFT_SIZE = 512
CHANNELS = 40
LOWER_HZ = 125.0
UPPER_HZ = 7500.0
WINDOW_BITS = 12
FILTERBANK_BITS = 12
SMOOTHING_BITS = 10
PCAN_STRENGTH = 0.95
PCAN_OFFSET = 80.0
PCAN_GAIN_BITS = 21
# log2(FFT_SIZE) - FILTERBANK_BITS / 2, frontend_util.c
CORRECTION_BITS = 3
# Weights by FFT bin, where log1pf of glibc before 2.41 (fdlibm's, up to 1 ulp off) makes other
# ones than a correctly rounded log1pf does. Read from pymicro-features on glibc 2.36.
GLIBC_WEIGHTS = {149: 2471, 221: 1401}


def f32(value: float) -> float:
    """Rounds to the nearest C `float`."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def window() -> list[int]:
    """Hann window in Q12 (window_util.c); rounding leaves it not quite symmetric."""
    step = f32(f32(math.pi * 2.0) / WINDOW_SAMPLES)
    values = []
    for i in range(WINDOW_SAMPLES):
        height = f32(0.5 - 0.5 * f32(math.cos(f32(step * (i + 0.5)))))
        values.append(math.floor(f32(height * (1 << WINDOW_BITS) + 0.5)))
    return values


def q15(value: float) -> int:
    """KISS FFT's rounding of a cosine or sine: full scale is 32767."""
    return math.floor(0.5 + 32767 * value)


def twiddles() -> list[int]:
    """Complex twiddles of radix-4 stages 2 to 4, re and im in turn.

    Stage by stage (butterfly spans 4, 16, 64), for u = 0..span-1: W^u, W^2u, W^3u, where W is the
    stage's root of unity.
    """
    values = []
    for span in (4, 16, 64):
        for u in range(span):
            for power in (1, 2, 3):
                # Index into KISS FFT's table of 256 and its expression, so that it rounds alike.
                phase = -2 * math.pi * (u * power * (64 // span)) / 256
                values += [q15(math.cos(phase)), q15(math.sin(phase))]
    return values


def real_twiddles(first_bin: int) -> list[int]:
    """Complex twiddles that make 512 real bins of 256 complex ones, for first_bin..128."""
    values = []
    for k in range(first_bin, 129):
        phase = -math.pi * (k / 256 + 0.5)
        values += [q15(math.cos(phase)), q15(math.sin(phase))]
    return values


def exact_log1pf(x: float) -> float:
    return f32(math.log1p(x))


def filterbank(log1pf: Callable[[float], float]) -> tuple[int, list[int], list[int]]:
    """Triangular mel filters (filterbank_util.c).

    Args:
        log1pf: The C function of this name; C libraries differ in its last bit.

    Returns:
        The first FFT bin used; for each of the CHANNELS + 1 bands the bin after its last; for each
        bin its weight in Q12 in the filter that falls there (1.0 - weight in the one that rises).
    """

    def mel(hz: float) -> float:
        return f32(1127.0 * log1pf(f32(hz / 700.0)))

    low, high = mel(LOWER_HZ), mel(UPPER_HZ)
    spacing = f32(f32(high - low) / (CHANNELS + 1))
    centers = [f32(low + f32(spacing * (i + 1))) for i in range(CHANNELS + 1)]
    hz_per_bin = f32(0.5 * SAMPLE_RATE_HZ / (FFT_SIZE // 2))
    first = int(1.5 + LOWER_HZ / hz_per_bin)
    ends, weights = [], []
    k = first
    for band, center in enumerate(centers):
        below = centers[band - 1] if band else low
        start = k
        while mel(f32(k * hz_per_bin)) <= center:
            weight = f32(f32(center - mel(f32(k * hz_per_bin))) / f32(center - below))
            q12 = math.floor(f32(weight * (1 << FILTERBANK_BITS) + 0.5))
            rest = math.floor(f32(f32(1.0 - weight) * (1 << FILTERBANK_BITS) + 0.5))
            assert q12 + rest == 1 << FILTERBANK_BITS, "filterbank.c needs weights that sum to 1"
            weights.append(q12)
            k += 1
        assert k > start, "filterbank.c needs a bin in every band"
        ends.append(k)
    while weights[-1] == 0:  # It would count only for a filter above the last.
        weights.pop()
        ends[-1] -= 1
    return first, ends, weights


def pcan_gain(noise: int) -> int:
    """PcanGainLookupFunction of pcan_gain_control_util.c."""
    scaled = f32(noise / (1 << (SMOOTHING_BITS - CORRECTION_BITS)))
    power = f32(f32(scaled + PCAN_OFFSET) ** -f32(PCAN_STRENGTH))
    gain = f32((1 << PCAN_GAIN_BITS) * power)
    return 32767 if gain > 32767 else int(f32(gain + 0.5))


def pcan_gains() -> list[int]:
    """Gain for a noise estimate: for 0 and 1, then four values (the last unused) an octave."""
    table = [pcan_gain(0), pcan_gain(1)]
    for octave in range(2, 33):
        x0 = 1 << (octave - 1)
        x2 = 2 * x0 - 1 if octave == 32 else 2 * x0
        y0, y1, y2 = pcan_gain(x0), pcan_gain(x0 + x0 // 2), pcan_gain(x2)
        slope = 4 * (y1 - y0) - (y2 - y0)
        table += [y0, slope, y2 - y0 - slope, 0]
    return table


def log2_bows() -> list[int]:
    """log2(1 + x) - x in Q16 at x = 0, 1/128 .. 1 (log_lut.c)."""
    return [round(65536 * (math.log2(1 + i / 128) - i / 128)) for i in range(129)]


def sqrt_seeds() -> list[int]:
    """sqrt(x) in Q4 for x = 64.5 .. 255.5, where filterbank.c starts its Newton step."""
    return [min(255, round(16 * math.sqrt(i + 0.5))) for i in range(64, 256)]


def array(kind: str, name: str, values: list[int]) -> str:
    lines, line = [], "   "
    for value in values:
        item = f" {value},"
        if len(line) + len(item) > 99:
            lines.append(line)
            line = "   "
        line += item
    head = f"const {kind} micdsp_{name}[{len(values)}] ="
    return f"{head} {{\n" + "\n".join([*lines, line]) + "\n};\n"


def tables(log1pf: Callable[[float], float] | None = None) -> str:
    """The text of core/tables.c.

    Args:
        log1pf: This machine's, for tables as pymicro-features computes them on it. Without it, the
            result is that of glibc before 2.41, with which the wake word models were trained.
    """
    first, ends, weights = filterbank(log1pf or exact_log1pf)
    if log1pf is None:
        for bin_number, weight in GLIBC_WEIGHTS.items():
            weights[bin_number - first] = weight
    assert first == 5, "tables.h says MICDSP_FIRST_BIN"
    assert ends[-1] == 240, "tables.h says MICDSP_END_BIN"
    return "\n".join(
        [
            "// SPDX-License-Identifier: Apache-2.0\n"
            "// Written by make_tables.py, which names the formulas. Do not edit.\n"
            "// clang-format off\n"
            '#include "tables.h"\n',
            array("int16_t", "window", window()),
            array("int16_t", "twiddles", twiddles()),
            array("int16_t", "real_twiddles", real_twiddles(first)),
            array("uint8_t", "band_ends", ends),
            array("uint16_t", "band_weights", weights),
            array("uint8_t", "sqrt_seeds", sqrt_seeds()),
            array("int16_t", "pcan_gains", pcan_gains()),
            array("uint16_t", "log2_bows", log2_bows()),
        ]
    )


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent / "core" / "tables.c"
    target.write_text(tables(), encoding="utf-8")
