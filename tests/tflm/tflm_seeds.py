# SPDX-License-Identifier: Apache-2.0
"""Writes tests/tflm/tflm_corpus: small models from which a fuzzer starts.

Together they use every feature that a fuzzer should cover. Run `python tests/tflm/tflm_seeds.py`
after an operator is added. Files that a fuzzer found may be there, too.
"""

from pathlib import Path

import numpy as np
import tflm_build

CORPUS = Path(__file__).parent / "tflm_corpus"


def network():
    """Convolution, depthwise convolution, pooling, reshape, fully connected, softmax."""
    rng = np.random.default_rng(0)
    graph = tflm_build.Graph()
    x = graph.input((1, 5, 5, 2), scale=0.05, zero_point=3)
    weights = graph.tensor(
        (3, 3, 3, 2), scale=[0.01, 0.02, 0.015], data=rng.integers(-127, 128, (3, 3, 3, 2))
    )
    bias = graph.tensor((3,), np.int32, scale=[0.0005, 0.001, 0.00075], data=[10, -20, 30])
    conv = graph.tensor((1, 3, 3, 3), scale=0.1, zero_point=-10)
    fields = {"padding": 0, "strideW": 2, "strideH": 2, "fusedActivationFunction": 1}
    graph.operator("CONV_2D", [x, weights, bias], [conv], "Conv2DOptions", **fields)
    weights = graph.tensor(
        (1, 2, 2, 3), scale=[0.01, 0.02, 0.015], axis=3, data=rng.integers(-127, 128, (1, 2, 2, 3))
    )
    depthwise = graph.tensor((1, 2, 2, 3), scale=0.1, zero_point=-10)
    fields = {"padding": 1, "strideW": 1, "strideH": 1, "depthMultiplier": 1}
    graph.operator(
        "DEPTHWISE_CONV_2D", [conv, weights], [depthwise], "DepthwiseConv2DOptions", **fields
    )
    flat = graph.tensor((1, 12), scale=0.1, zero_point=-10)
    graph.operator("RESHAPE", [depthwise], [flat], "ReshapeOptions", newShape=[1, 12])
    weights = graph.tensor((4, 12), scale=0.01, data=rng.integers(-127, 128, (4, 12)))
    hidden = graph.tensor((1, 4), scale=0.2)
    graph.operator("FULLY_CONNECTED", [flat, weights], [hidden], "FullyConnectedOptions")
    out = graph.output((1, 4), scale=1 / 256, zero_point=-128)
    graph.operator("SOFTMAX", [hidden], [out], "SoftmaxOptions", beta=1.0)
    return graph.bytes()


def streaming():
    """A variable that keeps the last rows of its input."""
    graph = tflm_build.Graph()
    quantized = {"scale": 0.1, "zero_point": -128}
    x = graph.input((1, 1, 1, 4), **quantized)
    handle = graph.tensor((), "resource")
    graph.operator("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName="state")
    kept = graph.tensor((1, 2, 1, 4), **quantized)
    graph.operator("READ_VARIABLE", [handle], [kept])
    joined = graph.tensor((1, 3, 1, 4), **quantized)
    graph.operator("CONCATENATION", [kept, x], [joined], "ConcatenationOptions", axis=1)
    begin, end, step = (graph.constant(values) for values in ([0, 1, 0, 0], [0] * 4, [1] * 4))
    tail = graph.tensor((1, 2, 1, 4), **quantized)
    masks = {"beginMask": 13, "endMask": 15}
    graph.operator(
        "STRIDED_SLICE", [joined, begin, end, step], [tail], "StridedSliceOptions", **masks
    )
    graph.operator("ASSIGN_VARIABLE", [handle, tail], [])
    sizes, axis = graph.constant([2, 2]), graph.constant(3)
    halves = [graph.tensor((1, 3, 1, 2), **quantized), graph.output((1, 3, 1, 2), **quantized)]
    graph.operator("SPLIT_V", [joined, sizes, axis], halves, "SplitVOptions", numSplits=2)
    pooled = graph.tensor((1, 1, 1, 2), **quantized)
    fields = {"padding": 1, "strideW": 1, "strideH": 1, "filterWidth": 1, "filterHeight": 3}
    graph.operator("AVERAGE_POOL_2D", [halves[0]], [pooled], "Pool2DOptions", **fields)
    sigmoid = graph.tensor((1, 1, 1, 2), scale=1 / 256, zero_point=-128)
    graph.operator("LOGISTIC", [pooled], [sigmoid])
    out = graph.output((1, 1, 1, 2), np.uint8, scale=1 / 256)
    graph.operator("QUANTIZE", [sigmoid], [out])
    return graph.bytes()


def recurrent():
    """SVDF, then an LSTM over what it gives, and one of int16 over that."""
    rng = np.random.default_rng(1)
    graph = tflm_build.Graph()

    def matrix(rows, columns, dtype=np.int8):
        return graph.tensor(
            (rows, columns), dtype, scale=0.02, data=rng.integers(-127, 128, (rows, columns))
        )

    def bias(units, dtype=np.int32):
        return graph.tensor((units,), dtype, scale=0.0002, data=rng.integers(-50, 50, units))

    def lstm(x, y, dtype, bias_dtype, hidden):
        inputs = [x, *(matrix(2, 2) for _ in range(8)), -1, -1, -1]
        inputs += [*(bias(2, bias_dtype) for _ in range(4)), -1, -1]
        inputs += [graph.tensor((1, 2), dtype, var=True, **hidden)]
        inputs += [graph.tensor((1, 2), np.int16, scale=2.0**-11, var=True), *[-1] * 4]
        options = "UnidirectionalSequenceLSTMOptions"
        graph.operator(
            "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], options, fusedActivationFunction=4
        )

    x = graph.input((2, 3), scale=0.05, zero_point=-3)
    state = graph.tensor((2, 8), np.int16, scale=0.01, var=True)
    y = graph.tensor((2, 2), scale=0.1, zero_point=2)
    inputs = [x, matrix(4, 3), matrix(4, 2, np.int16), bias(2), state]
    graph.operator("SVDF", inputs, [y], "SVDFOptions", rank=2)
    steps = graph.tensor((1, 2, 2), scale=0.1, zero_point=2)
    graph.operator("RESHAPE", [y], [steps], "ReshapeOptions", newShape=[1, 2, 2])
    hidden, finer = {"scale": 1 / 128, "zero_point": 3}, {"scale": 2.0**-15}
    y, wide = graph.tensor((1, 2, 2), **hidden), graph.tensor((1, 2, 2), np.int16, scale=0.001)
    lstm(steps, y, np.int8, np.int32, hidden)
    graph.operator("QUANTIZE", [y], [wide])
    lstm(wide, graph.output((1, 2, 2), np.int16, **finer), np.int16, np.int64, finer)
    return graph.bytes()


def real():
    """float32: convolutions, pooling, arithmetic, activations, and indices that are computed."""
    rng = np.random.default_rng(2)
    graph = tflm_build.Graph()

    def constant(*shape):
        return graph.constant(rng.normal(0, 1, shape), np.float32)

    def tensor(*shape):
        return graph.tensor(shape, np.float32)

    x = graph.input((1, 4, 3, 2), np.float32)
    conv, depthwise, pooled = tensor(1, 2, 3, 2), tensor(1, 2, 3, 2), tensor(1, 2, 1, 2)
    fields = {"padding": 0, "strideH": 2, "strideW": 1, "fusedActivationFunction": 3}
    inputs = [x, constant(2, 3, 2, 2), constant(2)]
    graph.operator("CONV_2D", inputs, [conv], "Conv2DOptions", **fields)
    fields = {"padding": 0, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
    inputs = [conv, constant(1, 2, 2, 2)]
    graph.operator("DEPTHWISE_CONV_2D", inputs, [depthwise], "DepthwiseConv2DOptions", **fields)
    fields = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 3}
    graph.operator("AVERAGE_POOL_2D", [depthwise], [pooled], "Pool2DOptions", **fields)
    gate, gated, mean = tensor(1, 2, 1, 2), tensor(1, 2, 3, 2), tensor(3, 2)
    graph.operator("TANH", [pooled], [gate])
    graph.operator("MUL", [gate, conv], [gated], "MulOptions")
    graph.operator("MEAN", [gated, graph.constant([0, 1])], [mean], "ReducerOptions")
    product, best, picked = tensor(3, 3), graph.tensor((3,), np.int32), tensor(3, 2)
    fields = {"adjY": True}
    graph.operator("BATCH_MATMUL", [mean, mean], [product], "BatchMatMulOptions", **fields)
    graph.operator("ARG_MAX", [product, graph.constant(1)], [best], "ArgMaxOptions", outputType=2)
    graph.operator("GATHER", [mean, best], [picked], "GatherOptions")
    dense = tensor(3, 3)
    inputs = [picked, constant(3, 2), constant(3)]
    graph.operator("FULLY_CONNECTED", inputs, [dense], "FullyConnectedOptions")
    soft, out = tensor(3, 3), graph.output((3, 3), np.int16)
    graph.operator("SOFTMAX", [dense], [soft], "SoftmaxOptions", beta=1.0)
    graph.operator("CAST", [soft], [out], "CastOptions")
    return graph.bytes()


def wide():
    """int16: convolutions, pooling, fully connected, arithmetic and activations."""
    rng = np.random.default_rng(3)
    graph = tflm_build.Graph()

    def tensor(*shape, scale=0.001):
        return graph.tensor(shape, np.int16, scale=scale)

    def weights(*shape, axis=0):
        data = rng.integers(-127, 128, shape)
        return graph.tensor(shape, scale=[0.01] * shape[axis], axis=axis, data=data)

    def bias(units, dtype):
        return graph.tensor((units,), dtype, scale=1e-5, data=rng.integers(-999, 999, units))

    x = graph.input((1, 4, 3, 2), np.int16, scale=0.001)
    conv, depthwise, pooled = (tensor(1, 2, n, 2) for n in (3, 3, 1))
    fields = {"padding": 0, "strideH": 2, "strideW": 1, "fusedActivationFunction": 1}
    inputs = [x, weights(2, 3, 2, 2), bias(2, np.int32)]
    graph.operator("CONV_2D", inputs, [conv], "Conv2DOptions", **fields)
    fields = {"padding": 0, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
    inputs = [conv, weights(1, 2, 2, 2, axis=3), bias(2, np.int64)]
    graph.operator("DEPTHWISE_CONV_2D", inputs, [depthwise], "DepthwiseConv2DOptions", **fields)
    fields = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 3}
    graph.operator("AVERAGE_POOL_2D", [depthwise], [pooled], "Pool2DOptions", **fields)
    gate, gated, flat = tensor(1, 2, 1, 2, scale=2.0**-15), tensor(1, 2, 3, 2), tensor(1, 12)
    graph.operator("LOGISTIC", [pooled], [gate])
    graph.operator("MUL", [gate, conv], [gated], "MulOptions")
    graph.operator("RESHAPE", [gated], [flat], "ReshapeOptions", newShape=[1, 12])
    dense, leaky = tensor(1, 3), tensor(1, 3)
    out = graph.output((1, 3), np.int16, scale=2.0**-15)
    inputs = [flat, weights(3, 12), bias(3, np.int64)]
    graph.operator("FULLY_CONNECTED", inputs, [dense], "FullyConnectedOptions")
    graph.operator("LEAKY_RELU", [dense], [leaky], "LeakyReluOptions", alpha=0.1)
    graph.operator("SOFTMAX", [leaky], [out], "SoftmaxOptions", beta=1.0)
    inputs = [graph.constant([1, 2, 2, 1]), weights(1, 1, 2, 2), pooled, bias(1, np.int16)]
    fields = {"padding": 0, "strideH": 1, "strideW": 2}
    wider = graph.output((1, 2, 2, 1), np.int16, scale=0.001)
    graph.operator("TRANSPOSE_CONV", inputs, [wider], "TransposeConvOptions", **fields)
    mean, product = tensor(1, 1, 2), graph.output((1, 2, 2), np.int16, scale=0.01)
    fields = {"keepDims": False}
    graph.operator("MEAN", [pooled, graph.constant([1])], [mean], "ReducerOptions", **fields)
    fields = {"adjX": True}
    graph.operator("BATCH_MATMUL", [mean, mean], [product], "BatchMatMulOptions", **fields)
    return graph.bytes()


def packed():
    """int4 weights, of odd numbers: convolutions and fully connected."""
    rng = np.random.default_rng(4)
    graph = tflm_build.Graph()

    def tensor(*shape):
        return graph.tensor(shape, scale=0.1, zero_point=-10)

    def weights(*shape, scale=0.05, axis=0):
        data = rng.integers(-8, 8, shape)
        return graph.tensor(shape, "int4", scale=scale, axis=axis, data=data)

    x = graph.input((1, 3, 3, 1), scale=0.05, zero_point=3)
    conv, depthwise, flat = tensor(1, 3, 3, 3), tensor(1, 2, 1, 3), tensor(1, 6)
    bias = graph.tensor((3,), np.int32, scale=0.005, data=rng.integers(-99, 99, 3))
    inputs = [x, weights(3, 3, 3, 1, scale=[0.1, 0.2, 0.15]), bias]
    fields = {"padding": 0, "strideH": 1, "strideW": 1, "fusedActivationFunction": 1}
    graph.operator("CONV_2D", inputs, [conv], "Conv2DOptions", **fields)
    inputs = [conv, weights(1, 1, 3, 3, axis=3)]
    fields = {"padding": 1, "strideH": 2, "strideW": 1, "depthMultiplier": 1}
    graph.operator("DEPTHWISE_CONV_2D", inputs, [depthwise], "DepthwiseConv2DOptions", **fields)
    graph.operator("RESHAPE", [depthwise], [flat], "ReshapeOptions", newShape=[1, 6])
    out = graph.output((1, 3), scale=0.1)
    graph.operator("FULLY_CONNECTED", [flat, weights(3, 6)], [out], "FullyConnectedOptions")
    return graph.bytes()


SEEDS = {
    "network": network,
    "streaming": streaming,
    "recurrent": recurrent,
    "real": real,
    "wide": wide,
    "packed": packed,
}


def main():
    CORPUS.mkdir(exist_ok=True)
    for name, make in SEEDS.items():
        (CORPUS / f"{name}.tflite").write_bytes(make())


if __name__ == "__main__":
    main()
