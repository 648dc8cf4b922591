# SPDX-License-Identifier: Apache-2.0
"""Compares integer conversion of scales with Python's doubles and math.frexp.

The reference is QuantizeMultiplier of tensorflow/lite/kernels/internal/quantization_util.cc.
"""

import ctypes
import math

import numpy as np
import pytest
from workbench.host import hostlib

COUNT = 6000
POWERS = [2.0**i for i in (-149, -126, -31, -27, -20, -1, 0, 1, 20, 27, 100)]
SPECIAL = [*POWERS, 3.0, 1e-3, 1e30, float(np.nextafter(np.float32(1), np.float32(2)))]


class Scale(ctypes.Structure):
    _fields_ = [("multiplier", ctypes.c_int32), ("shift", ctypes.c_int32)]


@pytest.fixture(scope="module")
def library():
    loaded = hostlib.load("tflm")
    loaded.tflm_quantize_ratio.argtypes = [ctypes.c_float] * 3
    loaded.tflm_quantize_ratio.restype = Scale
    loaded.tflm_quantize_quotient.argtypes = [
        *(ctypes.c_float, ctypes.c_float),
        *(ctypes.c_uint64, ctypes.c_int),
    ]
    loaded.tflm_quantize_quotient.restype = Scale
    loaded.tflm_round.argtypes = [ctypes.c_float]
    loaded.tflm_round.restype = ctypes.c_int32
    return loaded


def expected(real):
    """A real number as multiplier and shift."""
    significand, shift = math.frexp(real)
    multiplier = math.floor(significand * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31 or not multiplier:
        return 0, 0
    return (multiplier, shift) if shift <= 30 else (0x7FFFFFFF, 30)


def triples():
    """Any positive floats up to 1e30, scales close to each other, and each special with each."""
    rng = np.random.default_rng(5)
    most = int(np.float32(1e30).view(np.uint32))
    any_bits = rng.integers(1, most, (COUNT, 3), dtype=np.uint32).view(np.float32)
    close = rng.uniform(1e-3, 1, (COUNT, 3)).astype(np.float32)
    # Few bits each: products and quotients that are halfway between neighbours.
    short = (rng.integers(1, 1 << 9, (COUNT, 3)) / 512).astype(np.float32)
    yield from np.concatenate([any_bits, close, short]).tolist()
    for a in SPECIAL:
        for b in SPECIAL:
            for c in SPECIAL:
                yield a, b, c


def test_ratios_are_those_of_doubles(library):
    for a, b, c in triples():
        a, b, c = (float(np.float32(value)) for value in (a, b, c))
        scale = library.tflm_quantize_ratio(a, b, c)
        assert (scale.multiplier, scale.shift) == expected(a * b / c), (a, b, c)


def test_a_divisor_may_have_all_bits_of_a_double(library):
    for divisor in (10.0 / 65535, 1.0, math.pi, math.nextafter(1.0, 0.0)):
        significand, exponent = math.frexp(divisor)
        for a, b, _ in list(triples())[::20]:
            a, b = float(np.float32(a)), float(np.float32(b))
            scale = library.tflm_quantize_quotient(a, b, int(significand * 2**53), exponent - 53)
            assert (scale.multiplier, scale.shift) == expected(a * b / divisor), (a, b, divisor)


def test_a_scale_of_nothing_or_of_everything(library):
    for a, b in ((0.0, 1.0), (1.0, 0.0), (0.0, 1e30)):
        scale = library.tflm_quantize_ratio(a, b, 1.0)
        assert (scale.multiplier, scale.shift) == (0, 0)
    scale = library.tflm_quantize_ratio(math.inf, 1e-30, 1e30)
    assert (scale.multiplier, scale.shift) == (0x7FFFFFFF, 30)


def test_what_a_double_rounds_up_to_a_half_is_rounded_up_again(library):
    rng = np.random.default_rng(7)
    found = 0
    for b, c in (rng.integers(1 << 22, 1 << 23, (4000, 2)) * 2 + 1).tolist():
        if math.gcd(b, c) != 1:
            continue
        a = c - pow(b * 256, -1, c)
        twice, rest = divmod(a * b * 256 + 1, c)
        assert rest == 0
        if twice.bit_length() == 32 and twice & 1:  # twice / 2 less 2^-25 or so
            scale = library.tflm_quantize_ratio(a, b, c)
            assert scale.multiplier == twice // 2 + 1
            assert (scale.multiplier, scale.shift) == expected(a * b / c)
            found += 1
    assert found > 500


def test_rounding_is_to_nearest_halves_away_from_zero(library):
    rng = np.random.default_rng(6)
    values = rng.integers(0, 1 << 32, COUNT, dtype=np.uint64).astype(np.uint32).view(np.float32)
    values = [*values[np.isfinite(values)].tolist(), *(i / 2 for i in range(-9, 10))]
    values += [8388607.5, -8388607.5, 2147483520.0, -2147483648.0, 2147483648.0, 3e38, -3e38]
    for value in values:
        nearest = int(math.copysign(math.floor(abs(value) + 0.5), value))
        assert library.tflm_round(value) == min(max(nearest, -(2**31)), 2**31 - 1), value
