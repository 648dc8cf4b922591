# SPDX-License-Identifier: Apache-2.0
"""Models of one operator each, for `make bench`, which counts the cost per element or product.

Unlike tflm_cases.py, which draws shapes to find faults, these have shapes of real networks' layers.
Each name gives a model, and how many elements or multiply-accumulates it works on.
"""

import numpy as np
import tflm_build

IMAGE = (1, 16, 16, 32)
ELEMENTS = 16 * 16 * 32
RNG = np.random.default_rng(1)


def int8(*shape):
    return RNG.integers(-127, 128, shape)


def zero(dtype, zero_point):
    """int16 has zero point 0."""
    return 0 if dtype == np.int16 else zero_point


def binary(name, dtype=np.int8, other=None):
    graph = tflm_build.Graph()
    parameters = {} if dtype == np.float32 else {"scale": 0.02}
    a = graph.input(IMAGE, dtype, zero_point=zero(dtype, 3), **parameters)
    b = graph.input(other or IMAGE, dtype, zero_point=zero(dtype, -5), **parameters)
    output = graph.output(IMAGE, dtype, zero_point=zero(dtype, 7), **parameters)
    options = {"MAXIMUM": "MaximumMinimum", "MINIMUM": "MaximumMinimum"}
    fields = {"potScaleInt16": False} if dtype == np.int16 and name in ("ADD", "SUB") else {}
    options = options.get(name, name.capitalize()) + "Options"
    graph.operator(name, [a, b], [output], options, **fields)
    return graph.bytes(), ELEMENTS


def prelu():
    graph = tflm_build.Graph()
    given = graph.input(IMAGE, scale=0.02, zero_point=3)
    slopes = graph.tensor((1, 1, 32), scale=0.01, zero_point=2, data=int8(1, 1, 32))
    graph.operator("PRELU", [given, slopes], [graph.output(IMAGE, scale=0.02, zero_point=1)])
    return graph.bytes(), ELEMENTS


def pad():
    graph = tflm_build.Graph()
    given = graph.input((1, 32, 32, 16), scale=0.1, zero_point=3)
    amounts = graph.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
    output = graph.output((1, 34, 34, 16), scale=0.1, zero_point=3)
    graph.operator("PAD", [given, amounts], [output], "PadOptions")
    return graph.bytes(), 34 * 34 * 16


def concatenation():
    graph = tflm_build.Graph()
    parts = [graph.input((1, 32, 32, 8), scale=0.1) for _ in range(2)]
    output = graph.output((1, 32, 32, 16), scale=0.1)
    graph.operator("CONCATENATION", parts, [output], "ConcatenationOptions", axis=3)
    return graph.bytes(), 32 * 32 * 16


def pool(name, dtype=np.int8):
    graph = tflm_build.Graph()
    given = graph.input((1, 32, 32, 16), dtype, scale=0.1, zero_point=zero(dtype, 3))
    output = graph.output((1, 16, 16, 16), dtype, scale=0.1, zero_point=zero(dtype, 3))
    window = {"strideW": 2, "strideH": 2, "filterWidth": 2, "filterHeight": 2, "padding": 1}
    graph.operator(name, [given], [output], "Pool2DOptions", **window)
    return graph.bytes(), 16 * 16 * 16


def unary(name, dtype=np.int8, scales=(0.05, 1 / 256), zero_point=-128, options=None, **fields):
    graph = tflm_build.Graph()
    given = graph.input((1, 64, 32), dtype, scale=scales[0])
    output = graph.output((1, 64, 32), dtype, scale=scales[1], zero_point=zero_point)
    graph.operator(name, [given], [output], options, **fields)
    return graph.bytes(), 64 * 32


def quantize(dtype, output_dtype):
    graph = tflm_build.Graph()
    given = graph.input((1, 64, 32), dtype, scale=None if dtype == np.float32 else 0.1)
    output = graph.output((1, 64, 32), output_dtype, scale=0.13, zero_point=3)
    graph.operator("QUANTIZE", [given], [output])
    return graph.bytes(), 64 * 32


def arg_max():
    graph = tflm_build.Graph()
    inputs = [graph.input((16, 128), scale=0.1), graph.constant(1)]
    graph.operator(
        "ARG_MAX", inputs, [graph.output((16,), np.int32)], "ArgMaxOptions", outputType=2
    )
    return graph.bytes(), 16 * 128


def mean():
    graph = tflm_build.Graph()
    inputs = [graph.input(IMAGE, scale=0.1, zero_point=3), graph.constant([1, 2])]
    graph.operator("MEAN", inputs, [graph.output((1, 32), scale=0.09)], "ReducerOptions")
    return graph.bytes(), ELEMENTS


def resize():
    graph = tflm_build.Graph()
    inputs = [graph.input((1, 8, 8, 16), scale=0.1), graph.constant([16, 16])]
    output = graph.output((1, 16, 16, 16), scale=0.1)
    graph.operator(
        "RESIZE_BILINEAR", inputs, [output], "ResizeBilinearOptions", halfPixelCenters=True
    )
    return graph.bytes(), 16 * 16 * 16


def matmul(dtype=np.int8):
    graph = tflm_build.Graph()
    a = graph.input((1, 32, 64), dtype, scale=0.02, zero_point=zero(dtype, 3))
    b = graph.input((1, 64, 32), dtype, scale=0.02, zero_point=zero(dtype, -3))
    graph.operator(
        "BATCH_MATMUL", [a, b], [graph.output((1, 32, 32), dtype, scale=0.4)], "BatchMatMulOptions"
    )
    return graph.bytes(), 32 * 32 * 64


def transpose_conv(dtype=np.int8):
    graph = tflm_build.Graph()
    shape = graph.constant([1, 16, 16, 16])
    weights = graph.tensor((16, 2, 2, 16), scale=[0.01] * 16, data=int8(16, 2, 2, 16))
    given = graph.input((1, 8, 8, 16), dtype, scale=0.1, zero_point=zero(dtype, 3))
    output = graph.output((1, 16, 16, 16), dtype, scale=0.5)
    fields = {"strideW": 2, "strideH": 2, "padding": 0}
    inputs = [shape, weights, given]
    graph.operator("TRANSPOSE_CONV", inputs, [output], "TransposeConvOptions", **fields)
    return graph.bytes(), 8 * 8 * 16 * 16 * 4


def lstm(dtype=np.int8, units=64, depth=32, steps=4):
    graph = tflm_build.Graph()
    unit = 1 / 32768 if dtype == np.int16 else 1 / 128
    bias = np.int64 if dtype == np.int16 else np.int32
    inputs = [graph.input((1, steps, depth), dtype, scale=0.02, zero_point=zero(dtype, 3))]
    inputs += [graph.tensor((units, depth), scale=0.01, data=int8(units, depth)) for _ in range(4)]
    inputs += [graph.tensor((units, units), scale=0.01, data=int8(units, units)) for _ in range(4)]
    inputs += [-1] * 3
    inputs += [graph.tensor((units,), bias, scale=2e-4, data=np.zeros(units)) for _ in range(4)]
    inputs += [-1] * 2
    inputs.append(graph.tensor((1, units), dtype, scale=unit, var=True))
    inputs.append(graph.tensor((1, units), np.int16, scale=2.0**-11, var=True))
    inputs += [-1] * 4
    output = graph.output((1, steps, units), dtype, scale=unit)
    fields = {"fusedActivationFunction": 4, "cellClip": 10.0}
    options = "UnidirectionalSequenceLSTMOptions"
    graph.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [output], options, **fields)
    return graph.bytes(), steps * 4 * units * (depth + units)


def svdf(dtype, units=64, depth=40, memory=16):
    graph = tflm_build.Graph()
    inputs = [
        graph.input((1, depth), scale=0.05, zero_point=2),
        graph.tensor((units, depth), scale=0.01, data=int8(units, depth)),
        graph.tensor((units, memory), dtype, scale=0.001, data=int8(units, memory)),
        graph.tensor((units,), np.int32, scale=1e-6, data=np.zeros(units)),
        graph.tensor((1, units * memory), dtype, scale=0.001, var=True),
    ]
    output = graph.output((1, units), scale=0.01)
    graph.operator("SVDF", inputs, [output], "SVDFOptions", rank=1)
    return graph.bytes(), units * (depth + memory)


def weights_of(graph, shape, dtype, axis=0):
    scales = [0.01] * shape[axis]
    data = RNG.integers(-7, 8, shape) if dtype == "int4" else int8(*shape)
    return graph.tensor(shape, dtype, scale=scales, data=data, axis=axis)


def bias_of(graph, channels, dtype):
    kind = np.int64 if dtype == np.int16 else np.int32
    return graph.tensor((channels,), kind, scale=[5e-4] * channels, data=np.zeros(channels))


def conv(dtype=np.int8, weights=np.int8, taps=3, depth=16, channels=16, size=8):
    graph = tflm_build.Graph()
    given = graph.input((1, size, size, depth), dtype, scale=0.05, zero_point=zero(dtype, 3))
    inputs = [given, weights_of(graph, (channels, taps, taps, depth), weights)]
    inputs.append(bias_of(graph, channels, dtype))
    output = graph.output((1, size, size, channels), dtype, scale=0.5)
    steps = {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
    graph.operator("CONV_2D", inputs, [output], "Conv2DOptions", **steps)
    return graph.bytes(), size * size * channels * taps * taps * depth


def depthwise(dtype=np.int8, weights=np.int8, depth=16, multiplier=1, size=8, dilation=1):
    graph = tflm_build.Graph()
    channels = depth * multiplier
    given = graph.input((1, size, size, depth), dtype, scale=0.05, zero_point=zero(dtype, 3))
    inputs = [given, weights_of(graph, (1, 3, 3, channels), weights, axis=3)]
    inputs.append(bias_of(graph, channels, dtype))
    output = graph.output((1, size, size, channels), dtype, scale=0.5)
    steps = {"strideW": 1, "strideH": 1, "depthMultiplier": multiplier}
    steps |= {"dilationWFactor": dilation, "dilationHFactor": dilation}
    graph.operator("DEPTHWISE_CONV_2D", inputs, [output], "DepthwiseConv2DOptions", **steps)
    return graph.bytes(), size * size * channels * 9


def fully_connected(dtype=np.int8, weights=np.int8, depth=256, units=64):
    graph = tflm_build.Graph()
    given = graph.input((1, depth), dtype, scale=0.05, zero_point=zero(dtype, 3))
    kind = np.int64 if dtype == np.int16 else np.int32
    data = RNG.integers(-7, 8, (units, depth)) if weights == "int4" else int8(units, depth)
    inputs = [given, graph.tensor((units, depth), weights, scale=0.01, data=data)]
    inputs.append(graph.tensor((units,), kind, scale=5e-4, data=np.zeros(units)))
    output = graph.output((1, units), dtype, scale=0.5)
    graph.operator("FULLY_CONNECTED", inputs, [output], "FullyConnectedOptions")
    return graph.bytes(), units * depth


def models():
    """Returns each model and what it works on, by name."""
    made = {}
    for name in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"):
        made[f"{name} int8"] = binary(name)
        made[f"{name} int16"] = binary(name, np.int16)
        made[f"{name} float32"] = binary(name, np.float32)
    made["ADD int8, of channels"] = binary("ADD", other=(32,))
    made["PRELU int8"] = prelu()
    made["PAD int8"] = pad()
    made["CONCATENATION int8, runs of 8"] = concatenation()
    for name in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        made[f"{name} int8, 2x2"] = pool(name)
        made[f"{name} int16, 2x2"] = pool(name, np.int16)
    made["LOGISTIC int8"] = unary("LOGISTIC")
    made["TANH int8"] = unary("TANH", scales=(0.05, 1 / 128), zero_point=0)
    made["LOGISTIC int16"] = unary("LOGISTIC", np.int16, (1 / 4096, 1 / 32768), 0)
    softmax = {"options": "SoftmaxOptions", "beta": 1.0}
    made["SOFTMAX int8"] = unary("SOFTMAX", **softmax)
    made["SOFTMAX int16"] = unary("SOFTMAX", np.int16, (10 / 65535, 1 / 32768), 0, **softmax)
    made["QUANTIZE int8"] = quantize(np.int8, np.int8)
    made["QUANTIZE float32"] = quantize(np.float32, np.int8)
    made["ARG_MAX int8"] = arg_max()
    made["MEAN int8"] = mean()
    made["RESIZE_BILINEAR int8"] = resize()
    made["BATCH_MATMUL int8"] = matmul()
    made["BATCH_MATMUL int16"] = matmul(np.int16)
    made["TRANSPOSE_CONV int8, 2x2"] = transpose_conv()
    made["TRANSPOSE_CONV int16, 2x2"] = transpose_conv(np.int16)
    made["LSTM int8, 64 units"] = lstm()
    made["LSTM int16, 64 units"] = lstm(np.int16)
    made["SVDF int8 state"] = svdf(np.int8)
    made["SVDF int16 state"] = svdf(np.int16)
    for kind, types in {
        "int8": {},
        "int16": {"dtype": np.int16},
        "int4": {"weights": "int4"},
    }.items():
        made[f"CONV_2D {kind}, 3x3"] = conv(**types)
        made[f"FULLY_CONNECTED {kind}"] = fully_connected(**types)
        made[f"DEPTHWISE_CONV_2D {kind}, 3x3"] = depthwise(**types)
    for depth in (12, 6):
        made[f"DEPTHWISE_CONV_2D int8, {depth} channels"] = depthwise(depth=depth)
    for multiplier in (2, 4, 8):
        made[f"DEPTHWISE_CONV_2D int8, times {multiplier}"] = depthwise(
            depth=8, multiplier=multiplier
        )
    made["DEPTHWISE_CONV_2D int8, dilated"] = depthwise(dilation=2)
    for depth in (3, 8):
        made[f"CONV_2D int8, 1x1 of {depth}"] = conv(taps=1, depth=depth)
    return made
