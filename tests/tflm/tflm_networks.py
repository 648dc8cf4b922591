# SPDX-License-Identifier: Apache-2.0
"""Builds whole models with random weights, in the shapes of MLPerf Tiny and other networks."""

import numpy as np
import tflm_build
from tflm_draw import output_size

SPREAD = 74  # The standard deviation of evenly drawn int8.
RELU = 1


class Network:
    """A graph of int8 layers one after another; the scale of each is what fits its sums."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.graph = tflm_build.Graph()
        self.parameters = {}

    def tensor(self, shape, scale, zero_point, *, add=None):
        parameters = {"scale": float(np.float32(scale)), "zero_point": zero_point}
        index = (add or self.graph.tensor)(shape, **parameters)
        self.parameters[index] = shape, parameters
        return index

    def shape(self, x):
        return self.parameters[x][0]

    def input(self, shape):
        return self.tensor(shape, 0.05, int(self.rng.integers(-20, 20)), add=self.graph.input)

    def weights(self, shape, channels, axis, fan_in):
        """Weights, and scales with which sums of `fan_in` products spread as the inputs do."""
        scales = self.rng.uniform(20, 80, channels) / (SPREAD * SPREAD * np.sqrt(fan_in))
        scales = [float(scale) for scale in np.float32(scales)]
        data = self.rng.integers(-127, 128, shape)
        return self.graph.tensor(shape, scale=scales, axis=axis, data=data), scales

    def dense(self, name, x, filters, axis, shape, fan_in, options, *, gain=1, **fields):
        """A layer that sums products, with a bias and a fused activation."""
        channels = filters[axis]
        scales = 1 if name == "FULLY_CONNECTED" else channels
        w, scales = self.weights(filters, scales, axis, fan_in)
        source = self.parameters[x][1]["scale"]
        bias = self.graph.tensor(
            (channels,),
            np.int32,
            scale=[source * scale for scale in scales],
            data=self.rng.integers(-2000, 2000, channels),
        )
        zero_point = -128 if fields.get("fusedActivationFunction") else 0
        y = self.tensor(shape, source / gain, zero_point)
        self.graph.operator(name, [x, w, bias], [y], options, **fields)
        return y

    def conv(self, x, channels, taps=1, stride=1, act=RELU):
        n, h, w, depth = self.shape(x)
        kh, kw = (taps, taps) if isinstance(taps, int) else taps
        shape = (n, output_size(h, kh, stride, 1, 0), output_size(w, kw, stride, 1, 0), channels)
        fields = {"padding": 0, "strideH": stride, "strideW": stride}
        fields["fusedActivationFunction"] = act
        filters = (channels, kh, kw, depth)
        return self.dense(
            "CONV_2D", x, filters, 0, shape, kh * kw * depth, "Conv2DOptions", **fields
        )

    def depthwise(self, x, stride=1):
        n, h, w, depth = self.shape(x)
        shape = (n, output_size(h, 3, stride, 1, 0), output_size(w, 3, stride, 1, 0), depth)
        fields = {"padding": 0, "strideH": stride, "strideW": stride, "depthMultiplier": 1}
        fields["fusedActivationFunction"] = RELU
        options = "DepthwiseConv2DOptions"
        return self.dense("DEPTHWISE_CONV_2D", x, (1, 3, 3, depth), 3, shape, 9, options, **fields)

    def fully_connected(self, x, units, act=0, gain=1):
        batches, depth = self.shape(x)
        fields = {"gain": gain, "fusedActivationFunction": act}
        options = "FullyConnectedOptions"
        return self.dense(
            "FULLY_CONNECTED", x, (units, depth), 0, (batches, units), depth, options, **fields
        )

    def same(self, name, x, shape, options=None, more=(), scale=None, **fields):
        """A layer that keeps the quantisation of its first input, unless `scale` is given."""
        parameters = dict(self.parameters[x][1])
        y = self.tensor(shape, scale or parameters["scale"], parameters["zero_point"])
        self.graph.operator(name, [x, *more], [y], options, **fields)
        return y

    def add(self, a, b):
        scale = 1.3 * max(self.parameters[i][1]["scale"] for i in (a, b))
        fields = {"fusedActivationFunction": RELU}
        return self.same("ADD", a, self.shape(a), "AddOptions", [b], scale, **fields)

    def average(self, x):
        n, h, w, depth = self.shape(x)
        fields = {"padding": 1, "strideH": 1, "strideW": 1, "filterHeight": h, "filterWidth": w}
        return self.same("AVERAGE_POOL_2D", x, (n, 1, 1, depth), "Pool2DOptions", **fields)

    def reshape(self, x, shape):
        return self.same("RESHAPE", x, shape, "ReshapeOptions", newShape=list(shape))

    def classify(self, x, classes, gain=1):
        x = self.fully_connected(x, classes, gain=gain)
        y = self.graph.output((1, classes), scale=1 / 256, zero_point=-128)
        self.graph.operator("SOFTMAX", [x], [y], "SoftmaxOptions", beta=1.0)
        return self.graph.bytes()


def ds_cnn():
    """Keyword spotting: a convolution over the spectrogram, then depthwise separable ones."""
    net = Network(1)
    x = net.conv(net.input((1, 25, 10, 1)), 24, (10, 4), 2)
    for _ in range(3):
        x = net.conv(net.depthwise(x), 24)
    return net.classify(net.reshape(net.average(x), (1, 24)), 12, gain=32)


def mobilenet():
    """Person detection: inverted residuals with shortcuts."""
    net = Network(2)
    x = net.conv(net.input((1, 24, 24, 3)), 8, 3, 2)
    for channels, stride in ((8, 1), (16, 2), (16, 1), (24, 2)):
        y = net.depthwise(net.conv(x, 3 * net.shape(x)[3]), stride)
        y = net.conv(y, channels, act=0)
        x = net.add(x, y) if stride == 1 and channels == net.shape(x)[3] else y
    axes = net.graph.constant([1, 2])
    fields = {"keepDims": False}
    x = net.same("MEAN", x, (1, net.shape(x)[3]), "ReducerOptions", [axes], **fields)
    return net.classify(x, 2, gain=32)


def resnet():
    """Image classification: residual blocks, one with a convolution in the shortcut."""
    net = Network(3)
    x = net.conv(net.input((1, 16, 16, 3)), 12, 3)
    x = net.add(x, net.conv(net.conv(x, 12, 3), 12, 3, act=0))
    y = net.conv(net.conv(x, 20, 3, 2), 20, 3, act=0)
    x = net.add(y, net.conv(x, 20, 1, 2, act=0))
    return net.classify(net.reshape(net.average(x), (1, 20)), 10, gain=8)


def autoencoder():
    """Anomaly detection in sounds: fully connected layers down to a few units and up again."""
    net = Network(4)
    x = net.input((1, 80))
    for units in (32, 32, 8, 32, 32):
        x = net.fully_connected(x, units, RELU)
    x = net.fully_connected(x, 80)
    y = net.graph.output((1, 80), np.float32)
    net.graph.operator("DEQUANTIZE", [x], [y], "DequantizeOptions")
    return net.graph.bytes()


def unet():
    """Segmentation: down, up again by TRANSPOSE_CONV and RESIZE, with a shortcut."""
    net = Network(5)
    first = net.conv(net.input((1, 12, 12, 2)), 8, 3)
    x = net.same(
        "MAX_POOL_2D",
        first,
        (1, 6, 6, 8),
        "Pool2DOptions",
        padding=1,
        strideH=2,
        strideW=2,
        filterHeight=2,
        filterWidth=2,
    )
    x = net.same(
        "LEAKY_RELU", net.conv(x, 12, 3, act=0), (1, 6, 6, 12), "LeakyReluOptions", alpha=0.1
    )
    w, _ = net.weights((8, 2, 2, 12), 8, 0, 12)
    bias = net.graph.tensor((8,), np.int32, scale=[0.001] * 8, data=range(8))
    up = net.tensor((1, 12, 12, 8), net.parameters[first][1]["scale"], -128)
    size = net.graph.constant([1, 12, 12, 8])
    fields = {"padding": 0, "strideH": 2, "strideW": 2}
    net.graph.operator("TRANSPOSE_CONV", [size, w, x, bias], [up], "TransposeConvOptions", **fields)
    x = net.same("CONCATENATION", first, (1, 12, 12, 16), "ConcatenationOptions", [up], axis=3)
    x = net.same("HARD_SWISH", net.conv(x, 4, act=0), (1, 12, 12, 4), "HardSwishOptions")
    size = net.graph.constant([24, 24])
    x = net.same("RESIZE_BILINEAR", x, (1, 24, 24, 4), "ResizeBilinearOptions", [size])
    x = net.conv(x, 1, act=0)
    y = net.graph.output((1, 24, 24, 1), scale=1 / 256, zero_point=-128)
    net.graph.operator("LOGISTIC", [x], [y])
    return net.graph.bytes()


def attention():
    """A block of a transformer: both products of attention, a shortcut, a layer on top."""
    net = Network(6)
    x = net.input((1, 12, 16))
    flat = net.reshape(x, (12, 16))
    query, key, value = (net.fully_connected(flat, 16) for _ in range(3))
    query, key, value = (net.reshape(part, (1, 12, 16)) for part in (query, key, value))
    scale = net.parameters[query][1]["scale"] * net.parameters[key][1]["scale"] * 300
    fields = {"adjX": False, "adjY": True}
    scores = net.same(
        "BATCH_MATMUL", query, (1, 12, 12), "BatchMatMulOptions", [key], scale, **fields
    )
    weights = net.tensor((1, 12, 12), 1 / 256, -128)
    net.graph.operator("SOFTMAX", [scores], [weights], "SoftmaxOptions", beta=1.0)
    mixed = net.tensor((1, 12, 16), net.parameters[value][1]["scale"], 3)
    net.graph.operator("BATCH_MATMUL", [weights, value], [mixed], "BatchMatMulOptions")
    x = net.add(x, mixed)
    rows = net.graph.constant([11])
    x = net.same("GATHER", x, (1, 1, 16), "GatherOptions", [rows], axis=1)
    return net.classify(net.reshape(x, (1, 16)), 5)


def svdf():
    """Streaming keyword spotting: two SVDF layers, which keep state, and a classifier."""
    net = Network(7)
    x = net.input((1, 20))
    for wide in (False, True):
        dtype, depth = (np.int16 if wide else np.int8), net.shape(x)[1]
        source = net.parameters[x][1]["scale"]
        features, _ = net.weights((32, depth), 1, 0, depth)
        limit = np.iinfo(dtype).max
        times = net.graph.tensor(
            (32, 8), dtype, scale=1 / limit, data=net.rng.integers(-limit, limit + 1, (32, 8))
        )
        reach = source * 200  # About the largest output of a filter.
        state = net.graph.tensor((1, 256), dtype, scale=float(reach / limit), var=True)
        bias = net.graph.tensor(
            (16,),
            np.int32,
            scale=float(reach / limit / limit),
            data=net.rng.integers(-500, 500, 16),
        )
        y = net.tensor((1, 16), reach / 64, -5)
        net.graph.operator("SVDF", [x, features, times, bias, state], [y], "SVDFOptions", rank=2)
        x = y
    return net.classify(x, 4)


def lstm():
    """Gestures: an LSTM over a window of a motion sensor, whose last output is classified."""
    net = Network(8)
    x = net.input((1, 10, 6))
    scale = net.parameters[x][1]["scale"]

    def matrix(columns):
        data = net.rng.integers(-127, 128, (16, columns))
        return net.graph.tensor((16, columns), scale=0.01, data=data)

    inputs = [x, *(matrix(6) for _ in range(4)), *(matrix(16) for _ in range(4)), *[-1] * 3]
    for _ in range(4):
        data = net.rng.integers(-500, 500, 16)
        inputs.append(net.graph.tensor((16,), np.int32, scale=scale * 0.01, data=data))
    hidden = {"scale": 1 / 128, "zero_point": 3}
    inputs += [-1, -1, net.graph.tensor((1, 16), var=True, **hidden)]
    inputs += [net.graph.tensor((1, 16), np.int16, scale=2.0**-11, var=True), *[-1] * 4]
    y = net.tensor((1, 10, 16), **hidden)
    options = "UnidirectionalSequenceLSTMOptions"
    net.graph.operator(
        "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], options, fusedActivationFunction=4
    )
    bounds = [net.graph.constant(values) for values in ([0, -1, 0], [0, 0, 0], [1, 1, 1])]
    fields = {"beginMask": 5, "endMask": 7, "shrinkAxisMask": 2}
    x = net.same("STRIDED_SLICE", y, (1, 16), "StridedSliceOptions", bounds, **fields)
    return net.classify(x, 6)


def sensor():
    """A small model in float32, without quantization."""
    rng, graph = np.random.default_rng(9), tflm_build.Graph()

    def constant(*shape):
        return graph.constant(rng.normal(0, 0.3, shape), np.float32)

    x = graph.input((1, 32, 1, 3), np.float32)
    conv = graph.tensor((1, 16, 1, 8), np.float32)
    fields = {"padding": 0, "strideH": 2, "strideW": 1, "fusedActivationFunction": RELU}
    graph.operator(
        "CONV_2D", [x, constant(8, 5, 1, 3), constant(8)], [conv], "Conv2DOptions", **fields
    )
    depthwise = graph.tensor((1, 16, 1, 8), np.float32)
    fields = {"padding": 0, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
    inputs = [conv, constant(1, 3, 1, 8), constant(8)]
    graph.operator("DEPTHWISE_CONV_2D", inputs, [depthwise], "DepthwiseConv2DOptions", **fields)
    gate, gated = (graph.tensor((1, 16, 1, 8), np.float32) for _ in range(2))
    graph.operator("TANH", [depthwise], [gate])
    graph.operator("MUL", [gate, conv], [gated], "MulOptions")
    mean, hidden, logits = (graph.tensor((1, n), np.float32) for n in (8, 12, 4))
    graph.operator("MEAN", [gated, graph.constant([1, 2])], [mean], "ReducerOptions")
    inputs = [mean, constant(12, 8), constant(12)]
    graph.operator("FULLY_CONNECTED", inputs, [hidden], "FullyConnectedOptions")
    active = graph.tensor((1, 12), np.float32)
    graph.operator("LOGISTIC", [hidden], [active])
    inputs = [active, constant(4, 12), constant(4)]
    graph.operator("FULLY_CONNECTED", inputs, [logits], "FullyConnectedOptions")
    out = graph.output((1, 4), np.float32)
    graph.operator("SOFTMAX", [logits], [out], "SoftmaxOptions", beta=1.0)
    return graph.bytes()


NETWORKS = {
    make.__name__: make
    for make in (
        ds_cnn,
        mobilenet,
        resnet,
        autoencoder,
        unet,
        attention,
        svdf,
        lstm,
        sensor,
    )
}
