# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator each, with quantisations up to the corners."""

import numpy as np
import tflm_build

ZERO_POINTS = (-128, 127, 0, -1, 3, 60, -77)


def scale(rng, low=-9, high=1):
    """A scale between 2**low and 2**high; sometimes a power of two."""
    exponent = rng.uniform(low, high)
    return float(np.float32(2.0 ** (round(exponent) if rng.random() < 0.2 else exponent)))


def quantized(rng, **bounds):
    return {"scale": scale(rng, **bounds), "zero_point": int(rng.choice(ZERO_POINTS))}


def shape(rng, rank=None, largest=6):
    rank = rank or int(rng.integers(1, 5))
    return tuple(int(size) for size in rng.integers(1, largest + 1, rank))


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
    """Input size, taps, stride, dilation along an axis."""
    taps, stride = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    dilation = int(rng.integers(1, 3)) if dilated else 1
    return int((taps - 1) * dilation + rng.integers(1, 8)), taps, stride, dilation


def accumulating(rng, graph, channels, axis, shape, fan_in, input_scale):
    """Weights, bias and the quantisation of the output of a layer that sums fan_in products."""
    per_channel = rng.random() < 0.7
    scales = [scale(rng, -10, -4) for _ in range(channels)] if per_channel else scale(rng, -10, -4)
    w = graph.tensor(shape, scale=scales, axis=axis, data=weights(rng, shape))
    first = scales[0] if per_channel else scales
    out = {
        "scale": float(np.float32(input_scale * first * np.sqrt(fan_in) * 2 ** rng.uniform(2, 9))),
        "zero_point": int(rng.choice(ZERO_POINTS)),
    }
    inputs = [w]
    if rng.random() < 0.8:
        bias_scale = [input_scale * s for s in scales] if per_channel else input_scale * scales
        size = 1 << int(rng.integers(1, 20))
        data = rng.integers(-size, size, channels)
        inputs.append(graph.tensor((channels,), np.int32, scale=bias_scale, data=data))
    return inputs, out


def conv_2d(rng, graph):
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
        rng, graph, channels, 0, (channels, kh, kw, depth), kh * kw * depth, source["scale"]
    )
    sizes = output_size(h, kh, sh, dh, padding), output_size(w, kw, sw, dw, padding)
    y = graph.output((batches, *sizes, channels), **out)
    fields = {"padding": padding, "strideH": sh, "strideW": sw}
    fields |= {"dilationHFactor": dh, "dilationWFactor": dw}
    fields["fusedActivationFunction"] = int(rng.integers(4))
    graph.operator("CONV_2D", [x, *inputs], [y], "Conv2DOptions", **fields)


def depthwise_conv_2d(rng, graph):
    h, kh, sh, dh = window(rng)
    w, kw, sw, dw = window(rng)
    padding = int(rng.integers(2))
    depth, multiplier = int(rng.integers(1, 20)), int(rng.choice([1, 1, 1, 2, 3, 8]))
    channels = depth * multiplier
    source = quantized(rng)
    x = graph.input((1, h, w, depth), **source)
    inputs, out = accumulating(
        rng, graph, channels, 3, (1, kh, kw, channels), kh * kw, source["scale"]
    )
    sizes = output_size(h, kh, sh, dh, padding), output_size(w, kw, sw, dw, padding)
    y = graph.output((1, *sizes, channels), **out)
    fields = {"padding": padding, "strideH": sh, "strideW": sw, "depthMultiplier": multiplier}
    fields |= {"dilationHFactor": dh, "dilationWFactor": dw}
    fields["fusedActivationFunction"] = int(rng.integers(4))
    graph.operator("DEPTHWISE_CONV_2D", [x, *inputs], [y], "DepthwiseConv2DOptions", **fields)


def fully_connected(rng, graph):
    batches, depth, units = (int(size) for size in rng.integers(1, (4, 70, 20)))
    source = quantized(rng)
    x = graph.input((batches, depth), **source)
    inputs, out = accumulating(rng, graph, units, 0, (units, depth), depth, source["scale"])
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


def broadcast_shapes(rng):
    full = shape(rng)
    a, b = list(full), list(full)
    kind = rng.integers(3)
    for i in range(len(full)):
        if kind and rng.random() < 0.4:
            (a if rng.random() < 0.5 else b)[i] = 1
    if kind == 2:
        b = b[int(rng.integers(len(b))) :]
    out = np.broadcast_shapes(a, b)
    return tuple(a), tuple(b), tuple(int(size) for size in out)


def binary(name, options):
    def make(rng, graph):
        a, b, out = broadcast_shapes(rng)
        one = quantized(rng, low=-6, high=0)
        other = one if name in ("MINIMUM", "MAXIMUM") else quantized(rng, low=-6, high=0)
        result = one if name in ("MINIMUM", "MAXIMUM") else quantized(rng, low=-5, high=2)
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


def concatenation(rng, graph):
    dims = list(shape(rng))
    axis = int(rng.integers(len(dims)))
    same = quantized(rng)
    inputs, total = [], 0
    for _ in range(int(rng.integers(1, 5))):
        dims[axis] = int(rng.integers(1, 6))
        total += dims[axis]
        inputs.append(graph.input(dims, **same))
    dims[axis] = total
    y = graph.output(dims, **same)
    given = axis - len(dims) if rng.random() < 0.3 else axis
    graph.operator("CONCATENATION", inputs, [y], "ConcatenationOptions", axis=given)


def pack(rng, graph):
    dims = list(shape(rng, int(rng.integers(1, 4))))
    axis, count = int(rng.integers(len(dims) + 1)), int(rng.integers(1, 5))
    same = quantized(rng)
    inputs = [graph.input(dims, **same) for _ in range(count)]
    y = graph.output([*dims[:axis], count, *dims[axis:]], **same)
    graph.operator("PACK", inputs, [y], "PackOptions", axis=axis, valuesCount=count)


def unpack(rng, graph):
    dims = list(shape(rng, int(rng.integers(2, 5))))
    axis = int(rng.integers(len(dims)))
    same = quantized(rng)
    x = graph.input(dims, **same)
    rest = dims[:axis] + dims[axis + 1 :]
    outputs = [graph.output(rest, **same) for _ in range(dims[axis])]
    graph.operator("UNPACK", [x], outputs, "UnpackOptions", axis=axis, num=dims[axis])


def split(rng, graph):
    dims = list(shape(rng))
    axis, count = int(rng.integers(len(dims))), int(rng.integers(1, 4))
    part = list(dims)
    dims[axis] *= count
    same = quantized(rng)
    x = graph.input(dims, **same)
    outputs = [graph.output(part, **same) for _ in range(count)]
    graph.operator("SPLIT", [graph.constant(axis), x], outputs, "SplitOptions", numSplits=count)


def split_v(rng, graph):
    dims = list(shape(rng))
    axis = int(rng.integers(len(dims)))
    sizes = [int(size) for size in rng.integers(1, 5, int(rng.integers(1, 4)))]
    same = quantized(rng)
    dims[axis] = sum(sizes)
    x = graph.input(dims, **same)
    outputs = [graph.output([*dims[:axis], size, *dims[axis + 1 :]], **same) for size in sizes]
    inputs = [x, graph.constant(sizes), graph.constant(axis)]
    graph.operator("SPLIT_V", inputs, outputs, "SplitVOptions", numSplits=len(sizes))


def slice_(rng, graph):
    dims = shape(rng)
    begin = [int(rng.integers(size)) for size in dims]
    size = [int(rng.integers(1, n - b + 1)) for n, b in zip(dims, begin, strict=True)]
    given = [
        -1 if b + s == n and rng.random() < 0.5 else s
        for n, b, s in zip(dims, begin, size, strict=True)
    ]
    same = quantized(rng)
    x = graph.input(dims, **same)
    y = graph.output(size, **same)
    graph.operator("SLICE", [x, graph.constant(begin), graph.constant(given)], [y], "SliceOptions")


def strided_slice(rng, graph):
    dims = shape(rng)
    begin = [int(rng.integers(-n, n)) for n in dims]
    end = [int(rng.integers(-n, n + 1)) for n in dims]
    step = [int(rng.choice([1, 1, 2, -1, -2])) for _ in dims]
    masks = [int(rng.integers(1 << len(dims))) for _ in range(2)]
    shrink = int(rng.integers(1 << len(dims))) if rng.random() < 0.3 else 0
    cuts = []
    for i in range(len(dims)):
        if shrink >> i & 1:
            masks[0] &= ~(1 << i)
            step[i] = 1
            cuts.append(begin[i])
        else:
            cuts.append(
                slice(
                    None if masks[0] >> i & 1 else begin[i],
                    None if masks[1] >> i & 1 else end[i],
                    step[i],
                )
            )
    taken = np.zeros(dims)[tuple(cuts)].shape
    if 0 in taken:
        return strided_slice(rng, graph)
    same = quantized(rng)
    x = graph.input(dims, **same)
    y = graph.output(taken, **same)
    inputs = [x, graph.constant(begin), graph.constant(end), graph.constant(step)]
    fields = {"beginMask": masks[0], "endMask": masks[1], "shrinkAxisMask": shrink}
    graph.operator("STRIDED_SLICE", inputs, [y], "StridedSliceOptions", **fields)
    return None


def transpose(rng, graph):
    dims = shape(rng)
    order = [int(axis) for axis in rng.permutation(len(dims))]
    same = quantized(rng)
    x = graph.input(dims, **same)
    y = graph.output([dims[axis] for axis in order], **same)
    graph.operator("TRANSPOSE", [x, graph.constant(order)], [y], "TransposeOptions")


def pad(name):
    def make(rng, graph):
        dims = shape(rng)
        amounts = rng.integers(0, 4, (len(dims), 2))
        same = quantized(rng)
        x = graph.input(dims, **same)
        y = graph.output([int(n + sum(a)) for n, a in zip(dims, amounts, strict=True)], **same)
        inputs = [x, graph.constant(amounts)]
        if name == "PADV2":
            inputs.append(graph.constant([int(rng.integers(-128, 128))], np.int8, **same))
        graph.operator(name, inputs, [y], "PadV2Options" if name == "PADV2" else "PadOptions")

    return make


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


def reshape(name):
    def make(rng, graph):
        dims = list(shape(rng, int(rng.integers(1, 4))))
        same = quantized(rng)
        if name == "EXPAND_DIMS":
            axis = int(rng.integers(len(dims) + 1))
            x = graph.input(dims, **same)
            y = graph.output([*dims[:axis], 1, *dims[axis:]], **same)
            graph.operator(name, [x, graph.constant(axis)], [y], "ExpandDimsOptions")
        elif name == "SQUEEZE":
            axis = int(rng.integers(len(dims) + 1))
            x = graph.input([*dims[:axis], 1, *dims[axis:]], **same)
            y = graph.output(dims, **same)
            graph.operator(name, [x], [y], "SqueezeOptions", squeezeDims=[axis])
        else:
            x = graph.input(dims, **same)
            new = [int(np.prod(dims))] if rng.random() < 0.5 else dims[::-1]
            y = graph.output(new, **same)
            graph.operator(name, [x, graph.constant(new)], [y], "ReshapeOptions", newShape=new)

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
        same = quantized(rng)
        x = graph.input((1, h, w, depth), **same)
        y = graph.output((1, to_h, to_w, depth), **same)
        kind = int(rng.integers(3))
        fields = {"alignCorners": kind == 1, "halfPixelCenters": kind == 2}
        options = "ResizeBilinearOptions"
        if name == "RESIZE_NEAREST_NEIGHBOR":
            options = "ResizeNearestNeighborOptions"
        graph.operator(name, [x, graph.constant([to_h, to_w])], [y], options, **fields)

    return make


def arg_max(rng, graph):
    dims = list(shape(rng))
    axis = int(rng.integers(len(dims)))
    x = graph.input(dims, **quantized(rng))
    y = graph.output(dims[:axis] + dims[axis + 1 :], np.int32)
    graph.operator("ARG_MAX", [x, graph.constant(axis)], [y], "ArgMaxOptions", outputType=2)


def dequantize(rng, graph):
    dims, source = shape(rng), [np.int8, np.int16][rng.integers(2)]
    x = graph.input(dims, source, scale=scale(rng), zero_point=int(rng.choice(ZERO_POINTS)))
    y = graph.output(dims, np.float32)
    graph.operator("DEQUANTIZE", [x], [y], "DequantizeOptions")


CASES = {
    "ARG_MAX": arg_max,
    "DEQUANTIZE": dequantize,
    "PRELU": prelu,
    "RESIZE_BILINEAR": resize("RESIZE_BILINEAR"),
    "RESIZE_NEAREST_NEIGHBOR": resize("RESIZE_NEAREST_NEIGHBOR"),
    "TRANSPOSE_CONV": transpose_conv,
    "ADD": binary("ADD", "AddOptions"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "CONCATENATION": concatenation,
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "EXPAND_DIMS": reshape("EXPAND_DIMS"),
    "FULLY_CONNECTED": fully_connected,
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
    "PACK": pack,
    "PAD": pad("PAD"),
    "PADV2": pad("PADV2"),
    "QUANTIZE": quantize,
    "REDUCE_MAX": reduce("REDUCE_MAX"),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6", same=True, low=-4),
    "RESHAPE": reshape("RESHAPE"),
    "SLICE": slice_,
    "SOFTMAX": softmax,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SQUEEZE": reshape("SQUEEZE"),
    "STRIDED_SLICE": strided_slice,
    "SUB": binary("SUB", "SubOptions"),
    "SUM": reduce("SUM"),
    "TANH": unary("TANH", out={"scale": 1 / 128, "zero_point": 0}),
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}


def model(name, seed):
    """The bytes of case `seed` of an operator."""
    graph = tflm_build.Graph()
    CASES[name](np.random.default_rng([sum(name.encode()), seed]), graph)
    return graph.bytes()
