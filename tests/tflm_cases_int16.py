# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator on int16 activations, with int8 weights where there are any."""

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
        size = 1 << int(rng.integers(1, 24))
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


CASES = {
    "ADD": binary("ADD", "AddOptions"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "CONV_2D": conv("CONV_2D"),
    "DEPTHWISE_CONV_2D": conv("DEPTHWISE_CONV_2D"),
    "FULLY_CONNECTED": fully_connected,
    "LEAKY_RELU": unary("LEAKY_RELU", "LeakyReluOptions", alpha=lambda rng: rng.uniform(0, 1)),
    "LOGISTIC": unary("LOGISTIC", out=2.0**-15),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "MUL": binary("MUL", "MulOptions"),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6", same=True),
    "SOFTMAX": softmax,
    "SUB": binary("SUB", "SubOptions"),
    "TANH": unary("TANH", out=2.0**-15),
}
