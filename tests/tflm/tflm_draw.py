# SPDX-License-Identifier: Apache-2.0
"""Draws random sizes, weights and quantisations, up to the extremes, for models of one operator."""

import numpy as np

LARGEST = 6  # The largest dimension by default.
ZERO_POINTS = (-128, 127, 0, -1, 3, 60, -77)


def scale(rng, low=-9, high=1):
    """A scale between 2**low and 2**high; sometimes a power of two."""
    exponent = rng.uniform(low, high)
    return float(np.float32(2.0 ** (round(exponent) if rng.random() < 0.2 else exponent)))


def quantized(rng, **bounds):
    return {"scale": scale(rng, **bounds), "zero_point": int(rng.choice(ZERO_POINTS))}


def shape(rng, rank=None, largest=None):
    rank = rank or int(rng.integers(1, 5))
    return tuple(int(size) for size in rng.integers(1, (largest or LARGEST) + 1, rank))


def weights(rng, shape):
    kind = rng.integers(3)
    if kind == 0:
        return rng.integers(-127, 128, shape)
    if kind == 1:
        return rng.choice([-127, 127], shape)
    return np.clip(rng.normal(0, 30, shape), -127, 127).astype(np.int64)


def output_size(size, taps, stride, dilation, padding):
    extent = (taps - 1) * dilation + 1
    return -(-size // stride) if padding == 0 else (size - extent) // stride + 1


def window(rng, dilated=True):
    """Draws input size, taps, stride and dilation along an axis."""
    taps, stride = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    dilation = int(rng.integers(1, 3)) if dilated else 1
    return int((taps - 1) * dilation + rng.integers(1, 8)), taps, stride, dilation


def accumulating(rng, graph, channels, axis, shape, fan_in, input_scale, bits=8, split=0.7):
    """Weights, bias and the quantisation of the output of a layer that sums fan_in products.

    `split` is the probability that each channel has its own scale.
    """
    per_channel = rng.random() < split
    scales = [scale(rng, -10, -4) for _ in range(channels)] if per_channel else scale(rng, -10, -4)
    data = weights(rng, shape) >> 8 - bits
    w = graph.tensor(shape, f"int{bits}", scale=scales, axis=axis, data=data)
    first = scales[0] if per_channel else scales
    ratio = np.sqrt(fan_in) * 2 ** rng.uniform(bits - 6, bits + 1)
    out = {
        "scale": float(np.float32(input_scale * first * ratio)),
        "zero_point": int(rng.choice(ZERO_POINTS)),
    }
    inputs = [w]
    if rng.random() < 0.8:
        bias_scale = [input_scale * s for s in scales] if per_channel else input_scale * scales
        size = 1 << int(rng.integers(1, 20))
        data = rng.integers(-size, size, channels)
        inputs.append(graph.tensor((channels,), np.int32, scale=bias_scale, data=data))
    return inputs, out


def broadcast_shapes(rng, rank=None):
    full = shape(rng, rank)
    a, b = list(full), list(full)
    kind = rng.integers(3)
    for i in range(len(full)):
        if kind and rng.random() < 0.4:
            (a if rng.random() < 0.5 else b)[i] = 1
    if kind == 2:
        b = b[int(rng.integers(len(b))) :]
    out = np.broadcast_shapes(a, b)
    return tuple(a), tuple(b), tuple(int(size) for size in out)


def movable(rng, *types):
    """int8 with its quantisation, mostly; else one of `types`, as arguments of a tensor."""
    if rng.random() < 0.7:
        return quantized(rng)
    return {"dtype": types[rng.integers(len(types))]}
