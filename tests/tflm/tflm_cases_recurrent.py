# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator that keeps state between inferences."""

import functools

import numpy as np
from tflm_draw import ZERO_POINTS, quantized, scale, weights


def near(rng, value, low=-2, high=2):
    return float(np.float32(value * 2 ** rng.uniform(low, high)))


def svdf(rng, graph):
    batches, depth, rank, units, memory = (int(n) for n in rng.integers(1, (3, 30, 3, 9, 12)))
    wide = bool(rng.integers(2))
    dtype = np.int16 if wide else np.int8
    filters = rank * units
    source = quantized(rng)
    x = graph.input((batches, depth), **source)
    feature_scale, time_scale = scale(rng, -9, -4), scale(rng, -9, -4)
    features = weights(rng, (filters, depth))
    f = graph.tensor((filters, depth), scale=feature_scale, data=features)
    times = (
        rng.integers(-32767, 32768, (filters, memory)) if wide else weights(rng, (filters, memory))
    )
    t = graph.tensor((filters, memory), dtype, scale=time_scale, data=times)
    state_scale = near(
        rng, source["scale"] * feature_scale * np.sqrt(depth) / (1 if wide else 2**-7)
    )
    zero_point = 0 if wide or rng.random() < 0.5 else int(rng.choice(ZERO_POINTS))
    size = 1 << int(rng.integers(1, 16))
    b = graph.tensor(
        (units,), np.int32, scale=state_scale * time_scale, data=rng.integers(-size, size, units)
    )
    state = graph.tensor(
        (batches, filters * memory), dtype, scale=state_scale, zero_point=zero_point, var=True
    )
    out = near(rng, state_scale * time_scale * np.sqrt(memory * rank) * (2**20 if wide else 2**6))
    y = graph.output((batches, units), scale=out, zero_point=int(rng.choice(ZERO_POINTS)))
    graph.operator("SVDF", [x, f, t, b, state], [y], "SVDFOptions", rank=rank)


def lstm(rng, graph, wide=False):
    batches, steps, depth, units = (int(n) for n in rng.integers(1, (4, 6, 20, 12)))
    time_major = bool(rng.integers(2))
    order = (steps, batches) if time_major else (batches, steps)
    x_scale, h_scale = scale(rng, -8, -3), scale(rng, -8, -5)
    zero_points = int(rng.choice(ZERO_POINTS)), int(rng.choice(ZERO_POINTS))
    dtype, bias = np.int8, np.int32
    if wide:
        x_scale, h_scale, zero_points = x_scale / 256, h_scale / 256, (0, 0)
        dtype, bias = np.int16, np.int64
    x = graph.input((*order, depth), dtype, scale=x_scale, zero_point=zero_points[0])
    hidden = {"dtype": dtype, "scale": h_scale, "zero_point": zero_points[1]}

    def matrix(columns):
        return graph.tensor(
            (units, columns), scale=scale(rng, -9, -5), data=weights(rng, (units, columns))
        )

    inputs = [x, *(matrix(depth) for _ in range(4)), *(matrix(units) for _ in range(4))]
    inputs += [-1] * 3
    size = 1 << int(rng.integers(1, 22 if wide else 14))
    for _ in range(4):
        data = rng.integers(-size, size, units)
        inputs.append(graph.tensor((units,), bias, scale=x_scale * 0.01, data=data))
    inputs += [-1] * 2
    inputs.append(graph.tensor((batches, units), var=True, **hidden))
    cell_scale = 2.0 ** int(rng.integers(-15, -8))
    inputs.append(graph.tensor((batches, units), np.int16, scale=cell_scale, var=True))
    inputs += [-1] * 4
    y = graph.output((*order, units), **hidden)
    fields = {"fusedActivationFunction": 4, "timeMajor": time_major}
    fields["cellClip"] = float(rng.choice([0, 0, 0.5, 10]))
    options = "UnidirectionalSequenceLSTMOptions"
    graph.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], options, **fields)


CASES = {
    "SVDF": svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
    "UNIDIRECTIONAL_SEQUENCE_LSTM int16": functools.partial(lstm, wide=True),
}
