# SPDX-License-Identifier: Apache-2.0
"""Layers that exceed what a kernel holds at once: its inputs, weights or positions."""

import numpy as np
import tflm_build
from tflm_draw import output_size

SAME, VALID = 0, 1
RELU6 = 3
EVENLY_DRAWN = 74  # The standard deviation of evenly drawn int8.


def _model(name, seed, input_shape, filters, axis, output_shape, options, **fields):
    rng = np.random.default_rng(seed)
    graph = tflm_build.Graph()
    scale, channels = 0.05, filters[axis]
    # Outputs have the same spread as inputs.
    spread = EVENLY_DRAWN * np.sqrt(np.prod(filters) / channels)
    scales = [float(np.float32(each)) for each in rng.uniform(0.3, 1.2, channels) / spread]
    if name == "FULLY_CONNECTED":
        scales = scales[:1]
    x = graph.input(input_shape, scale=scale, zero_point=int(rng.integers(-99, 99)))
    data = rng.integers(-127, 128, filters)
    w = graph.tensor(filters, scale=scales, axis=axis, data=data)
    bias_scales = [scale * each for each in scales]
    data = rng.integers(-9999, 9999, channels)
    bias = graph.tensor((channels,), np.int32, scale=bias_scales, data=data)
    y = graph.output(output_shape, scale=scale, zero_point=int(rng.integers(-30, 30)))
    fields["fusedActivationFunction"] = RELU6 if seed % 2 else 0
    graph.operator(name, [x, w, bias], [y], options, **fields)
    return graph.bytes()


def _sizes(size, taps, stride, dilation, padding):
    return [output_size(*axis, dilation, padding) for axis in zip(size, taps, stride, strict=True)]


def conv(seed, size, taps, depth, channels, stride=(1, 1), padding=SAME, batches=1):
    """A CONV_2D; pairs are height and width."""
    filters = (channels, *taps, depth)
    output = (batches, *_sizes(size, taps, stride, 1, padding), channels)
    fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    shape = (batches, *size, depth)
    return _model("CONV_2D", seed, shape, filters, 0, output, "Conv2DOptions", **fields)


def depthwise(
    seed, size, taps, depth, multiplier=1, stride=(1, 1), padding=SAME, dilation=1, batches=1
):
    """A DEPTHWISE_CONV_2D; pairs are height and width."""
    channels = depth * multiplier
    output = (batches, *_sizes(size, taps, stride, dilation, padding), channels)
    fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    fields |= {"depthMultiplier": multiplier}
    fields |= {"dilationHFactor": dilation, "dilationWFactor": dilation}
    shape, options = (batches, *size, depth), "DepthwiseConv2DOptions"
    return _model(
        "DEPTHWISE_CONV_2D", seed, shape, (1, *taps, channels), 3, output, options, **fields
    )


def fully_connected(seed, batches, depth, units):
    """A FULLY_CONNECTED."""
    output, options = (batches, units), "FullyConnectedOptions"
    return _model("FULLY_CONNECTED", seed, (batches, depth), (units, depth), 0, output, options)


# What core/ops/xtensa.c holds: 768 inputs, 256 weights, 64 positions.
MODELS = {
    "many positions": conv(1, (2, 150), (1, 1), 3, 5),
    "many positions two apart": conv(2, (3, 150), (1, 1), 8, 3, stride=(2, 2)),
    "many positions of patches": conv(3, (3, 140), (3, 3), 2, 3),
    "two parts of weights": conv(4, (1, 7), (1, 1), 300, 3),
    "patches in parts": conv(5, (3, 4), (3, 3), 70, 4, batches=2),
    "more than one position's inputs": conv(6, (3, 4), (3, 3), 90, 3),
    "whole rows": conv(7, (4, 5), (3, 5), 66, 4, padding=VALID),
    "a deep layer": fully_connected(8, 2, 1501, 5),
    "as deep as is held": fully_connected(9, 2, 768, 5),
    "a wide row of channels": depthwise(10, (4, 150), (3, 3), 2),
    "a wide row, two apart": depthwise(11, (5, 151), (3, 3), 3, 2, stride=(2, 2)),
    "a wide row, far apart": depthwise(12, (2, 500), (2, 3), 2, stride=(1, 97)),
    "a wide row, spread taps": depthwise(13, (9, 80), (3, 3), 2, dilation=2),
    "two pictures": depthwise(14, (6, 9), (5, 3), 7, batches=2),
    "a tall filter": depthwise(15, (310, 2), (301, 1), 2),
    "a wide filter": depthwise(16, (2, 310), (1, 301), 2, padding=VALID),
    "a wide and low filter": depthwise(17, (3, 150), (2, 131), 2),
    "a large filter": depthwise(18, (20, 21), (19, 20), 2),
    "as large as is held": depthwise(19, (16, 40), (16, 16), 3),
    "a large filter of spread taps": depthwise(20, (40, 41), (17, 18), 2, dilation=2),
}
