# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator each, with quantisations that include extreme ones."""

import functools

import numpy as np
import tflm_build
import tflm_cases_float
import tflm_cases_int16
import tflm_cases_move
import tflm_cases_recurrent
from tflm_draw import (
    ZERO_POINTS,
    accumulating,
    broadcast_shapes,
    movable,
    output_size,
    quantized,
    scale,
    shape,
    weights,
    window,
)


def conv_2d(rng, graph, bits=8):
    h, kh, sh, dh = window(rng)
    w, kw, sw, dw = window(rng)
    padding = int(rng.integers(2))
    depth, channels = int(rng.integers(1, 20)), int(rng.integers(1, 14))
    if rng.random() < 0.3:
        h, kh, sh, dh, w, kw, sw, dw = (
            int(rng.integers(1, 7)),
            1,
            1,
            1,
            int(rng.integers(1, 7)),
            1,
            1,
            1,
        )
    batches = int(rng.integers(1, 3))
    source = quantized(rng)
    x = graph.input((batches, h, w, depth), **source)
    inputs, out = accumulating(
        rng, graph, channels, 0, (channels, kh, kw, depth), kh * kw * depth, source["scale"], bits
    )
    sizes = output_size(h, kh, sh, dh, padding), output_size(w, kw, sw, dw, padding)
    y = graph.output((batches, *sizes, channels), **out)
    fields = {"padding": padding, "strideH": sh, "strideW": sw}
    fields |= {"dilationHFactor": dh, "dilationWFactor": dw}
    fields["fusedActivationFunction"] = int(rng.integers(4))
    graph.operator("CONV_2D", [x, *inputs], [y], "Conv2DOptions", **fields)


def depthwise_conv_2d(rng, graph, bits=8):
    h, kh, sh, dh = window(rng)
    w, kw, sw, dw = window(rng)
    padding = int(rng.integers(2))
    depth, multiplier = int(rng.integers(1, 20)), int(rng.choice([1, 1, 1, 2, 3, 8]))
    channels = depth * multiplier
    source = quantized(rng)
    x = graph.input((1, h, w, depth), **source)
    inputs, out = accumulating(
        rng, graph, channels, 3, (1, kh, kw, channels), kh * kw, source["scale"], bits
    )
    sizes = output_size(h, kh, sh, dh, padding), output_size(w, kw, sw, dw, padding)
    y = graph.output((1, *sizes, channels), **out)
    fields = {"padding": padding, "strideH": sh, "strideW": sw, "depthMultiplier": multiplier}
    fields |= {"dilationHFactor": dh, "dilationWFactor": dw}
    fields["fusedActivationFunction"] = int(rng.integers(4))
    graph.operator("DEPTHWISE_CONV_2D", [x, *inputs], [y], "DepthwiseConv2DOptions", **fields)


def fully_connected(rng, graph, bits=8):
    batches, depth, units = (int(size) for size in rng.integers(1, (4, 70, 20)))
    source = quantized(rng)
    x = graph.input((batches, depth), **source)
    split = 0.7 if bits == 8 else 0  # TensorFlow Lite Micro takes one scale of int4.
    inputs, out = accumulating(
        rng, graph, units, 0, (units, depth), depth, source["scale"], bits, split
    )
    y = graph.output((batches, units), **out)
    activation = int(rng.integers(4))
    graph.operator(
        "FULLY_CONNECTED",
        [x, *inputs],
        [y],
        "FullyConnectedOptions",
        fusedActivationFunction=activation,
    )


def pool(name):
    def make(rng, graph):
        h, kh, sh, _ = window(rng, dilated=False)
        w, kw, sw, _ = window(rng, dilated=False)
        padding, depth = int(rng.integers(2)), int(rng.integers(1, 9))
        same = quantized(rng)
        x = graph.input((1, h, w, depth), **same)
        sizes = output_size(h, kh, sh, 1, padding), output_size(w, kw, sw, 1, padding)
        y = graph.output((1, *sizes, depth), **same)
        fields = {"padding": padding, "strideH": sh, "strideW": sw}
        fields |= {"filterHeight": kh, "filterWidth": kw}
        fields["fusedActivationFunction"] = int(rng.choice([0, 1, 3]))
        graph.operator(name, [x], [y], "Pool2DOptions", **fields)

    return make


def binary(name, options):
    def make(rng, graph):
        a, b, out = broadcast_shapes(rng)
        if name in ("MINIMUM", "MAXIMUM"):
            one = other = result = movable(rng, np.int16, np.int32)
        else:
            one, other = quantized(rng, low=-6, high=0), quantized(rng, low=-6, high=0)
            result = quantized(rng, low=-5, high=2)
        x = graph.input(a, **one)
        if rng.random() < 0.5:
            y = graph.tensor(b, data=rng.integers(-128, 128, b), **other)
        else:
            y = graph.input(b, **other)
        z = graph.output(out, **result)
        fields = {}
        if options != "MaximumMinimumOptions":
            fields["fusedActivationFunction"] = int(rng.integers(4))
        graph.operator(name, [x, y], [z], options, **fields)

    return make


def unary(name, options=None, *, out=None, same=False, low=-8, **fields):
    def make(rng, graph):
        dims = shape(rng)
        source = quantized(rng, low=low)
        x = graph.input(dims, **source)
        y = graph.output(dims, **(out or (source if same else quantized(rng))))
        chosen = {key: value(rng) for key, value in fields.items()}
        graph.operator(name, [x], [y], options, **chosen)

    return make


def hard_swish(rng, graph):
    dims, source = shape(rng), quantized(rng)
    x = graph.input(dims, **source)
    ratio = 2.0 ** rng.uniform(-2, 1)  # So that the output's exponent is one that TFLM takes.
    zero_point = int(rng.choice(ZERO_POINTS))
    y = graph.output(dims, scale=float(np.float32(source["scale"] * ratio)), zero_point=zero_point)
    graph.operator("HARD_SWISH", [x], [y], "HardSwishOptions")


def softmax(rng, graph):
    dims = shape(rng, int(rng.integers(1, 4)), 12)
    x = graph.input(dims, **quantized(rng, low=-6, high=2))
    if rng.random() < 0.5:
        y = graph.output(dims, scale=1 / 256, zero_point=-128)
    else:
        y = graph.output(dims, np.int16, scale=1 / 65536, zero_point=-32768)
    beta = float(rng.choice([1.0, 0.5, 2.0]))
    graph.operator("SOFTMAX", [x], [y], "SoftmaxOptions", beta=beta)


def quantize(rng, graph):
    dims = shape(rng)
    types = [(np.int8, np.int8), (np.int8, np.uint8), (np.uint8, np.int8), (np.int8, np.int16)]
    types += [(np.int16, np.int8), (np.int16, np.int16), (np.int8, np.int32)]
    types += [(np.int16, np.int32), (np.int32, np.int8), (np.int32, np.int16)]
    types += [(np.float32, np.int8), (np.float32, np.int16)]
    source, target = types[rng.integers(len(types))]

    def parameters(dtype):
        if dtype == np.float32:
            return {}
        info = np.iinfo(dtype)
        zero = 0 if info.bits > 8 else int(rng.integers(info.min, info.max + 1))
        return {"scale": scale(rng), "zero_point": zero}

    x = graph.input(dims, source, **parameters(source))
    y = graph.output(dims, target, **parameters(target))
    graph.operator("QUANTIZE", [x], [y], "QuantizeOptions")


def reduce(name):
    def make(rng, graph):
        dims = shape(rng)
        count = int(rng.integers(1, len(dims) + 1))
        axes = sorted(int(axis) for axis in rng.permutation(len(dims))[:count])
        if len(dims) == 4 and rng.random() < 0.5:
            axes = [1, 2]
        keep = bool(rng.integers(2)) or len(axes) == len(dims)
        out = [1 if i in axes else n for i, n in enumerate(dims) if keep or i not in axes]
        source = quantized(rng, low=-6)
        target = source if name == "REDUCE_MAX" or rng.random() < 0.3 else quantized(rng, low=-6)
        x = graph.input(dims, **source)
        y = graph.output(out, **target)
        graph.operator(name, [x, graph.constant(axes)], [y], "ReducerOptions", keepDims=keep)

    return make


def prelu(rng, graph):
    dims = shape(rng)
    alpha = [1] * (len(dims) - 1) + [dims[-1]] if rng.random() < 0.5 else list(dims)
    x = graph.input(dims, **quantized(rng))
    a = graph.tensor(alpha, data=rng.integers(-128, 128, alpha), **quantized(rng))
    y = graph.output(dims, **quantized(rng))
    graph.operator("PRELU", [x, a], [y])


def transpose_conv(rng, graph):
    h, w, depth, channels = (int(size) for size in rng.integers(1, (6, 6, 9, 7)))
    kh, kw, sh, sw = (int(size) for size in rng.integers(1, (5, 5, 4, 4)))
    padding = int(rng.integers(2))
    sizes = (h * sh, w * sw) if padding == 0 else ((h - 1) * sh + kh, (w - 1) * sw + kw)
    source = quantized(rng)
    x = graph.input((1, h, w, depth), **source)
    inputs, out = accumulating(
        rng, graph, channels, 0, (channels, kh, kw, depth), kh * kw * depth, source["scale"]
    )
    y = graph.output((1, *sizes, channels), **out)
    inputs = [graph.constant([1, *sizes, channels]), inputs[0], x, *inputs[1:]]
    fields = {"padding": padding, "strideH": sh, "strideW": sw}
    graph.operator("TRANSPOSE_CONV", inputs, [y], "TransposeConvOptions", **fields)


def resize(name):
    def make(rng, graph):
        h, w, depth, to_h, to_w = (int(size) for size in rng.integers(1, (9, 9, 5, 17, 17)))
        nearest = name == "RESIZE_NEAREST_NEIGHBOR"
        same = movable(rng, np.int16, np.float32) if nearest else quantized(rng)
        x = graph.input((1, h, w, depth), **same)
        y = graph.output((1, to_h, to_w, depth), **same)
        kind = int(rng.integers(3))
        fields = {"alignCorners": kind == 1, "halfPixelCenters": kind == 2}
        options = "ResizeNearestNeighborOptions" if nearest else "ResizeBilinearOptions"
        graph.operator(name, [x, graph.constant([to_h, to_w])], [y], options, **fields)

    return make


def arg_max(rng, graph):
    dims = list(shape(rng))
    axis = int(rng.integers(len(dims)))
    x = graph.input(dims, **movable(rng, np.float32))
    y = graph.output(dims[:axis] + dims[axis + 1 :], np.int32)
    graph.operator("ARG_MAX", [x, graph.constant(axis)], [y], "ArgMaxOptions", outputType=2)


def dequantize(rng, graph):
    dims, source = shape(rng), [np.int8, np.uint8, np.int16][rng.integers(3)]
    zero_point = int(rng.choice(ZERO_POINTS)) & (255 if source == np.uint8 else -1)
    x = graph.input(dims, source, scale=scale(rng), zero_point=zero_point)
    y = graph.output(dims, np.float32)
    graph.operator("DEQUANTIZE", [x], [y], "DequantizeOptions")


def cast(rng, graph):
    dims = shape(rng)
    types = [np.bool_, np.int8, np.int16, np.int32, np.float32]
    source, target = (types[rng.integers(len(types))] for _ in range(2))
    x = graph.input(dims, source)
    y = graph.output(dims, target)
    graph.operator("CAST", [x], [y], "CastOptions")


def batch_matmul(rng, graph):
    a, b, out = (list(dims) for dims in broadcast_shapes(rng, int(rng.integers(1, 4))))
    if rng.random() < 0.2:
        a, b, out = [], [], []
    rows, depth, columns = (int(size) for size in rng.integers(1, (7, 40, 7)))
    across = [bool(flag) for flag in rng.integers(2, size=2)]
    a += (depth, rows) if across[0] else (rows, depth)
    b += (columns, depth) if across[1] else (depth, columns)
    x, y = quantized(rng), quantized(rng)
    ratio = np.sqrt(depth) * 2 ** rng.uniform(6, 10)
    result = {"scale": float(np.float32(x["scale"] * y["scale"] * ratio))}
    inputs = [graph.input(a, **x)]
    if rng.random() < 0.5:
        inputs.append(graph.tensor(b, data=weights(rng, b), **y))
    else:
        inputs.append(graph.input(b, **y))
    z = graph.output([*out, rows, columns], zero_point=int(rng.choice(ZERO_POINTS)), **result)
    fields = {"adjX": across[0], "adjY": across[1]}
    graph.operator("BATCH_MATMUL", inputs, [z], "BatchMatMulOptions", **fields)


CASES = {
    **tflm_cases_move.CASES,
    **tflm_cases_recurrent.CASES,
    **{f"{name} int16": make for name, make in tflm_cases_int16.CASES.items()},
    **{f"{name} float32": make for name, make in tflm_cases_float.CASES.items()},
    "ADD": binary("ADD", "AddOptions"),
    "ARG_MAX": arg_max,
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "BATCH_MATMUL": batch_matmul,
    "CAST": cast,
    "CONV_2D": conv_2d,
    "CONV_2D int4": functools.partial(conv_2d, bits=4),
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "DEPTHWISE_CONV_2D int4": functools.partial(depthwise_conv_2d, bits=4),
    "DEQUANTIZE": dequantize,
    "FULLY_CONNECTED": fully_connected,
    "FULLY_CONNECTED int4": functools.partial(fully_connected, bits=4),
    "HARD_SWISH": hard_swish,
    "LEAKY_RELU": unary(
        "LEAKY_RELU", "LeakyReluOptions", alpha=lambda rng: float(rng.uniform(0, 1))
    ),
    "LOGISTIC": unary("LOGISTIC", out={"scale": 1 / 256, "zero_point": -128}),
    "MAXIMUM": binary("MAXIMUM", "MaximumMinimumOptions"),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "MEAN": reduce("MEAN"),
    "MINIMUM": binary("MINIMUM", "MaximumMinimumOptions"),
    "MUL": binary("MUL", "MulOptions"),
    "PRELU": prelu,
    "QUANTIZE": quantize,
    "REDUCE_MAX": reduce("REDUCE_MAX"),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6", same=True, low=-4),
    "RESIZE_BILINEAR": resize("RESIZE_BILINEAR"),
    "RESIZE_NEAREST_NEIGHBOR": resize("RESIZE_NEAREST_NEIGHBOR"),
    "SOFTMAX": softmax,
    "SUB": binary("SUB", "SubOptions"),
    "SUM": reduce("SUM"),
    "TANH": unary("TANH", out={"scale": 1 / 128, "zero_point": 0}),
    "TRANSPOSE_CONV": transpose_conv,
}
OTHER_TYPES = [name for name in CASES if name.endswith((" int16", " float32"))]
INT8 = [name for name in CASES if name not in OTHER_TYPES]


def model(name, seed):
    """The bytes of case `seed` of an operator."""
    graph = tflm_build.Graph()
    CASES[name](np.random.default_rng([sum(name.encode()), seed]), graph)
    return graph.bytes()
