# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator with int16 activations and, where there are weights, int8 ones."""

import numpy as np
from tflm_draw import broadcast_shapes, output_size, scale, shape, weights, window


def wide(rng, low=-14, high=-5):
    return {"dtype": np.int16, "scale": scale(rng, low, high)}


def accumulating(rng, graph, x_scale, filters, axis, fan_in, biases=(np.int64,)):
    """Weights, perhaps a bias, and what fits their sums as the output's parameters."""
    channels = filters[axis]
    scales = [scale(rng, -10, -4) for _ in range(channels)]
    if rng.random() < 0.3:
        scales = scales[:1]
    inputs = [graph.tensor(filters, scale=scales, axis=axis, data=weights(rng, filters))]
    if rng.random() < 0.8:
        dtype = biases[rng.integers(len(biases))]
        size = 1 << int(rng.integers(1, 16 if dtype == np.int16 else 24))
        data = rng.integers(-size, size, channels)
        inputs.append(
            graph.tensor((channels,), dtype, scale=[x_scale * s for s in scales], data=data)
        )
    ratio = np.sqrt(fan_in) * 2 ** rng.uniform(5, 8)
    return inputs, {"dtype": np.int16, "scale": float(np.float32(x_scale * scales[0] * ratio))}


def conv(name):
    def make(rng, graph):
        h, kh, sh, dh = window(rng)
        w, kw, sw, dw = window(rng)
        padding, depth = int(rng.integers(2)), int(rng.integers(1, 9))
        fields = {"padding": padding, "strideH": sh, "strideW": sw}
        fields |= {"dilationHFactor": dh, "dilationWFactor": dw}
        fields["fusedActivationFunction"] = int(rng.integers(4))
        source = wide(rng)
        x = graph.input((1, h, w, depth), **source)
        if name == "DEPTHWISE_CONV_2D":
            fields["depthMultiplier"] = int(rng.choice([1, 1, 2, 3]))
            channels, options = depth * fields["depthMultiplier"], "DepthwiseConv2DOptions"
            inputs, out = accumulating(
                rng, graph, source["scale"], (1, kh, kw, channels), 3, kh * kw
            )
        else:
            channels, options = int(rng.integers(1, 9)), "Conv2DOptions"
            filters, biases = (channels, kh, kw, depth), (np.int32, np.int64)
            inputs, out = accumulating(
                rng, graph, source["scale"], filters, 0, kh * kw * depth, biases
            )
        sizes = output_size(h, kh, sh, dh, padding), output_size(w, kw, sw, dw, padding)
        y = graph.output((1, *sizes, channels), **out)
        graph.operator(name, [x, *inputs], [y], options, **fields)

    return make


def fully_connected(rng, graph):
    batches, depth, units = (int(size) for size in rng.integers(1, (4, 70, 20)))
    source = wide(rng)
    x = graph.input((batches, depth), **source)
    inputs, out = accumulating(rng, graph, source["scale"], (units, depth), 0, depth)
    y = graph.output((batches, units), **out)
    fields = {"fusedActivationFunction": int(rng.integers(4))}
    graph.operator("FULLY_CONNECTED", [x, *inputs], [y], "FullyConnectedOptions", **fields)


def pool(name):
    def make(rng, graph):
        h, kh, sh, _ = window(rng, dilated=False)
        w, kw, sw, _ = window(rng, dilated=False)
        padding, depth = int(rng.integers(2)), int(rng.integers(1, 9))
        same = wide(rng)
        x = graph.input((1, h, w, depth), **same)
        sizes = output_size(h, kh, sh, 1, padding), output_size(w, kw, sw, 1, padding)
        y = graph.output((1, *sizes, depth), **same)
        fields = {"padding": padding, "strideH": sh, "strideW": sw}
        fields |= {"filterHeight": kh, "filterWidth": kw}
        fields["fusedActivationFunction"] = int(rng.integers(4))
        graph.operator(name, [x], [y], "Pool2DOptions", **fields)

    return make


def binary(name, options):
    def make(rng, graph):
        a, b, out = broadcast_shapes(rng)
        one, other = wide(rng, -12, -8), wide(rng, -12, -8)
        result = wide(rng, -12, -6)
        if name == "MUL":
            result["scale"] = float(np.float32(one["scale"] * other["scale"] * 2**14))
        x = graph.input(a, **one)
        if rng.random() < 0.5:
            y = graph.tensor(b, data=rng.integers(-32768, 32768, b), **other)
        else:
            y = graph.input(b, **other)
        z = graph.output(out, **result)
        fields = {"fusedActivationFunction": int(rng.integers(4))}
        graph.operator(name, [x, y], [z], options, **fields)

    return make


def unary(name, options=None, *, out=None, same=False, **fields):
    def make(rng, graph):
        dims, source = shape(rng), wide(rng)
        if out and rng.random() < 0.4:
            source["scale"] = 2.0 ** -int(rng.integers(10, 14))
        x = graph.input(dims, **source)
        target = source if same else wide(rng)
        y = graph.output(dims, **({"dtype": np.int16, "scale": out} if out else target))
        chosen = {key: value(rng) for key, value in fields.items()}
        graph.operator(name, [x], [y], options, **chosen)

    return make


def softmax(rng, graph):
    dims = shape(rng, int(rng.integers(1, 4)), int(rng.choice([12, 60])))
    x = graph.input(dims, **wide(rng, -15, -5))
    y = graph.output(dims, np.int16, scale=1 / 32768)
    beta = float(rng.choice([1.0, 0.5, 2.0]))
    graph.operator("SOFTMAX", [x], [y], "SoftmaxOptions", beta=beta)


def reduce(name):
    def make(rng, graph):
        dims = shape(rng)
        count = int(rng.integers(1, len(dims) + 1))
        axes = sorted(int(axis) for axis in rng.permutation(len(dims))[:count])
        keep = bool(rng.integers(2)) or len(axes) == len(dims)
        out = [1 if i in axes else n for i, n in enumerate(dims) if keep or i not in axes]
        source, target = wide(rng), wide(rng)
        if rng.random() < 0.3:
            target = source
        elif rng.random() < 0.2:
            source["zero_point"], target["zero_point"] = -77, 3000
        x = graph.input(dims, **source)
        y = graph.output(out, **target)
        graph.operator(name, [x, graph.constant(axes)], [y], "ReducerOptions", keepDims=keep)

    return make


def batch_matmul(rng, graph):
    a, b, out = (list(dims) for dims in broadcast_shapes(rng, int(rng.integers(1, 4))))
    rows, depth, columns = (int(size) for size in rng.integers(1, (7, 40, 7)))
    across = [bool(flag) for flag in rng.integers(2, size=2)]
    a += (depth, rows) if across[0] else (rows, depth)
    b += (columns, depth) if across[1] else (depth, columns)
    x, y = wide(rng), wide(rng)
    ratio = np.sqrt(depth) * 2 ** rng.uniform(13, 16)
    inputs = [graph.input(a, **x)]
    if rng.random() < 0.5:
        inputs.append(graph.tensor(b, data=rng.integers(-32768, 32768, b), **y))
    else:
        inputs.append(graph.input(b, **y))
    z_scale = float(np.float32(x["scale"] * y["scale"] * ratio))
    z = graph.output([*out, rows, columns], np.int16, scale=z_scale)
    fields = {"adjX": across[0], "adjY": across[1]}
    graph.operator("BATCH_MATMUL", inputs, [z], "BatchMatMulOptions", **fields)


def transpose_conv(rng, graph):
    h, w, depth, channels = (int(size) for size in rng.integers(1, (6, 6, 9, 7)))
    kh, kw, sh, sw = (int(size) for size in rng.integers(1, (5, 5, 4, 4)))
    padding = int(rng.integers(2))
    sizes = (h * sh, w * sw) if padding == 0 else ((h - 1) * sh + kh, (w - 1) * sw + kw)
    source = wide(rng)
    x = graph.input((1, h, w, depth), **source)
    filters, biases = (channels, kh, kw, depth), (np.int16, np.int64)
    inputs, out = accumulating(rng, graph, source["scale"], filters, 0, kh * kw * depth, biases)
    y = graph.output((1, *sizes, channels), **out)
    inputs = [graph.constant([1, *sizes, channels]), inputs[0], x, *inputs[1:]]
    fields = {"padding": padding, "strideH": sh, "strideW": sw}
    graph.operator("TRANSPOSE_CONV", inputs, [y], "TransposeConvOptions", **fields)


CASES = {
    "ADD": binary("ADD", "AddOptions"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "BATCH_MATMUL": batch_matmul,
    "CONV_2D": conv("CONV_2D"),
    "DEPTHWISE_CONV_2D": conv("DEPTHWISE_CONV_2D"),
    "FULLY_CONNECTED": fully_connected,
    "LEAKY_RELU": unary("LEAKY_RELU", "LeakyReluOptions", alpha=lambda rng: rng.uniform(0, 1)),
    "LOGISTIC": unary("LOGISTIC", out=2.0**-15),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "MEAN": reduce("MEAN"),
    "MUL": binary("MUL", "MulOptions"),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6", same=True),
    "SOFTMAX": softmax,
    "SUB": binary("SUB", "SubOptions"),
    "SUM": reduce("SUM"),
    "TANH": unary("TANH", out=2.0**-15),
    "TRANSPOSE_CONV": transpose_conv,
}
