#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes core/pdm_tables.c: the two filters that turn a PDM microphone's bits into samples.

Usage: python firmware/modules/micdsp/make_pdm_tables.py [FILE]

First four running sums over 16 bits each (a CIC filter of order 4, Hogenauer 1981), looked up byte
by byte at 128 kHz; then a low-pass with a Kaiser window (Kaiser 1974) down to 16 kHz.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

SUM_BITS = 16
SUMS = 4
WINDOW_BYTES = 8
FIR_RATE_HZ = 128000
FIR_TAPS = 160
FIR_CUTOFF_HZ = 7750
KAISER_BETA = 5.1  # about 55 dB
Q15 = 1 << 15


def running_sums() -> list[int]:
    """The impulse response of the running sums, padded to whole bytes."""
    response = [1]
    for _ in range(SUMS):
        longer = [0] * (len(response) + SUM_BITS - 1)
        for i, value in enumerate(response):
            for j in range(SUM_BITS):
                longer[i + j] += value
        response = longer
    return response + [0] * (8 * WINDOW_BYTES - len(response))


def byte_sums() -> list[int]:
    """What each byte, the oldest bit its highest, adds at each of the window's places."""
    response = running_sums()
    return [
        sum(response[8 * place + bit] for bit in range(8) if value >> (7 - bit) & 1)
        for place in range(WINDOW_BYTES)
        for value in range(256)
    ]


def bessel_i0(x: float) -> float:
    """The modified Bessel function of order 0, by its series."""
    return sum((x / 2) ** (2 * k) / math.factorial(k) ** 2 for k in range(30))


def low_pass() -> list[int]:
    """The second filter in Q15; its values add up to 1."""
    middle = (FIR_TAPS - 1) / 2
    ratio = 2 * FIR_CUTOFF_HZ / FIR_RATE_HZ
    values = []
    for n in range(FIR_TAPS):
        x = ratio * (n - middle)
        sinc = math.sin(math.pi * x) / (math.pi * x)
        window = bessel_i0(KAISER_BETA * math.sqrt(1 - ((n - middle) / middle) ** 2))
        values.append(sinc * window)
    scale = Q15 / sum(values)
    return [round(value * scale) for value in values]


def array(declaration: str, values: list[int]) -> str:
    """A C array of at most 100 columns."""
    lines, line = [], "   "
    for value in values:
        if len(line) + len(f" {value},") > 100:
            lines.append(line)
            line = "   "
        line += f" {value},"
    return "\n".join([f"{declaration} = {{", *lines, line.rstrip(","), "};"])


def main(path: Path) -> None:
    """Writes the file."""
    text = "\n".join(
        [
            "// SPDX-License-Identifier: Apache-2.0",
            "// Written by make_pdm_tables.py, which names the formulas. Do not edit.",
            "// clang-format off",
            '#include "pdm_tables.h"',
            "",
            array("const uint16_t micdsp_pdm_sums[8 * 256]", byte_sums()),
            "",
            array("const int16_t micdsp_pdm_low_pass[160]", low_pass()),
            "",
        ]
    )
    path.write_text(text)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else here / "core" / "pdm_tables.c")
