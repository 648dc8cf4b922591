# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator in float32."""

import numpy as np
from tflm_draw import broadcast_shapes, output_size, shape, window


def normal(rng, shape, spread=1.0):
    return rng.normal(0, spread, shape).astype(np.float32)


def tensor(rng, graph, shape):
    return graph.constant(normal(rng, shape), np.float32)


def dense_inputs(rng, graph, x, filters, channels):
    inputs = [x, tensor(rng, graph, filters)]
    return [*inputs, tensor(rng, graph, (channels,))] if rng.random() < 0.8 else inputs


def conv(name):
    def make(rng, graph):
        h, kh, sh, dh = window(rng)
        w, kw, sw, dw = window(rng)
        padding, batches = int(rng.integers(2)), int(rng.integers(1, 3))
        depth, channels = int(rng.integers(1, 9)), int(rng.integers(1, 9))
        fields = {"padding": padding, "strideH": sh, "strideW": sw}
        fields |= {"dilationHFactor": dh, "dilationWFactor": dw}
        fields["fusedActivationFunction"] = int(rng.integers(4))
        filters, options = (channels, kh, kw, depth), "Conv2DOptions"
        if name == "DEPTHWISE_CONV_2D":
            fields["depthMultiplier"] = int(rng.choice([1, 1, 2, 3]))
            channels = depth * fields["depthMultiplier"]
            filters, options = (1, kh, kw, channels), "DepthwiseConv2DOptions"
        x = graph.input((batches, h, w, depth), np.float32)
        inputs = dense_inputs(rng, graph, x, filters, channels)
        sizes = output_size(h, kh, sh, dh, padding), output_size(w, kw, sw, dw, padding)
        y = graph.output((batches, *sizes, channels), np.float32)
        graph.operator(name, inputs, [y], options, **fields)

    return make


def transpose_conv(rng, graph):
    h, w, depth, channels = (int(size) for size in rng.integers(1, (6, 6, 9, 7)))
    kh, kw, sh, sw = (int(size) for size in rng.integers(1, (5, 5, 4, 4)))
    padding = int(rng.integers(2))
    sizes = (h * sh, w * sw) if padding == 0 else ((h - 1) * sh + kh, (w - 1) * sw + kw)
    x = graph.input((1, h, w, depth), np.float32)
    inputs = dense_inputs(rng, graph, x, (channels, kh, kw, depth), channels)
    y = graph.output((1, *sizes, channels), np.float32)
    inputs = [graph.constant([1, *sizes, channels]), inputs[1], x, *inputs[2:]]
    fields = {"padding": padding, "strideH": sh, "strideW": sw}
    graph.operator("TRANSPOSE_CONV", inputs, [y], "TransposeConvOptions", **fields)


def fully_connected(rng, graph):
    batches, depth, units = (int(size) for size in rng.integers(1, (4, 70, 20)))
    x = graph.input((batches, depth), np.float32)
    inputs = dense_inputs(rng, graph, x, (units, depth), units)
    y = graph.output((batches, units), np.float32)
    fields = {"fusedActivationFunction": int(rng.integers(4))}
    graph.operator("FULLY_CONNECTED", inputs, [y], "FullyConnectedOptions", **fields)


def pool(name):
    def make(rng, graph):
        h, kh, sh, _ = window(rng, dilated=False)
        w, kw, sw, _ = window(rng, dilated=False)
        padding, depth = int(rng.integers(2)), int(rng.integers(1, 9))
        x = graph.input((1, h, w, depth), np.float32)
        sizes = output_size(h, kh, sh, 1, padding), output_size(w, kw, sw, 1, padding)
        y = graph.output((1, *sizes, depth), np.float32)
        fields = {"padding": padding, "strideH": sh, "strideW": sw}
        fields |= {"filterHeight": kh, "filterWidth": kw}
        fields["fusedActivationFunction"] = int(rng.integers(4))
        graph.operator(name, [x], [y], "Pool2DOptions", **fields)

    return make


def binary(name, options=None):
    def make(rng, graph):
        a, b, out = broadcast_shapes(rng)
        if name == "PRELU":
            a = out
        x = graph.input(a, np.float32)
        y = tensor(rng, graph, b) if rng.random() < 0.5 else graph.input(b, np.float32)
        z = graph.output(out, np.float32)
        fields = {}
        if options and options != "MaximumMinimumOptions":
            fields["fusedActivationFunction"] = int(rng.integers(4))
        graph.operator(name, [x, y], [z], options, **fields)

    return make


def unary(name, options=None, **fields):
    def make(rng, graph):
        dims = shape(rng)
        x = graph.input(dims, np.float32)
        y = graph.output(dims, np.float32)
        chosen = {key: value(rng) for key, value in fields.items()}
        graph.operator(name, [x], [y], options, **chosen)

    return make


def reduce(name):
    def make(rng, graph):
        dims = shape(rng)
        count = int(rng.integers(1, len(dims) + 1))
        axes = sorted(int(axis) for axis in rng.permutation(len(dims))[:count])
        keep = bool(rng.integers(2)) or len(axes) == len(dims)
        out = [1 if i in axes else n for i, n in enumerate(dims) if keep or i not in axes]
        x = graph.input(dims, np.float32)
        y = graph.output(out, np.float32)
        graph.operator(name, [x, graph.constant(axes)], [y], "ReducerOptions", keepDims=keep)

    return make


def batch_matmul(rng, graph):
    a, b, out = (list(dims) for dims in broadcast_shapes(rng, int(rng.integers(1, 4))))
    rows, depth, columns = (int(size) for size in rng.integers(1, (7, 40, 7)))
    across = [bool(flag) for flag in rng.integers(2, size=2)]
    x = graph.input([*a, *((depth, rows) if across[0] else (rows, depth))], np.float32)
    b += (columns, depth) if across[1] else (depth, columns)
    y = tensor(rng, graph, b) if rng.random() < 0.5 else graph.input(b, np.float32)
    z = graph.output([*out, rows, columns], np.float32)
    fields = {"adjX": across[0], "adjY": across[1]}
    graph.operator("BATCH_MATMUL", [x, y], [z], "BatchMatMulOptions", **fields)


CASES = {
    "ADD": binary("ADD", "AddOptions"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "BATCH_MATMUL": batch_matmul,
    "CONV_2D": conv("CONV_2D"),
    "DEPTHWISE_CONV_2D": conv("DEPTHWISE_CONV_2D"),
    "FULLY_CONNECTED": fully_connected,
    "HARD_SWISH": unary("HARD_SWISH"),
    "LEAKY_RELU": unary("LEAKY_RELU", "LeakyReluOptions", alpha=lambda rng: rng.uniform(0, 1)),
    "LOGISTIC": unary("LOGISTIC"),
    "MAXIMUM": binary("MAXIMUM", "MaximumMinimumOptions"),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "MEAN": reduce("MEAN"),
    "MINIMUM": binary("MINIMUM", "MaximumMinimumOptions"),
    "MUL": binary("MUL", "MulOptions"),
    "PRELU": binary("PRELU"),
    "REDUCE_MAX": reduce("REDUCE_MAX"),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6"),
    "SOFTMAX": unary("SOFTMAX", "SoftmaxOptions", beta=lambda rng: rng.choice([1, 0.5, 2])),
    "SUB": binary("SUB", "SubOptions"),
    "SUM": reduce("SUM"),
    "TANH": unary("TANH"),
    "TRANSPOSE_CONV": transpose_conv,
}
