# SPDX-License-Identifier: Apache-2.0
"""Compares random models of many operators, which reuse their tensors, with TensorFlow Lite Micro.

Each is run whole, in slices and after a reset: whatever the memory plan, no value may change
before its last use.
"""

import numpy as np
import tflm_build
import tflm_conformance
import tflm_oracle
from workbench.host import tflm

MODELS = 200
INVOKES = 3
QUANTIZED = {"scale": 0.05, "zero_point": -3}
STRIDES = {"padding": 0, "strideH": 1, "strideW": 1}


class Drawing:
    """A graph of int8 tensors of [1, height, width, channels] that grows at random."""

    def __init__(self, rng):
        self.rng = rng
        self.graph = tflm_build.Graph()
        self.shapes = {}
        for _ in range(rng.integers(1, 4)):
            shape = (1, *(int(size) for size in rng.integers(1, 7, 3)))
            self.shapes[self.graph.input(shape, **QUANTIZED)] = shape
        self.made = []

    def some(self, shape=None):
        """Picks a tensor, perhaps of that shape; half of the time the newest, for deep models."""
        fitting = [one for one, has in self.shapes.items() if shape in (None, has)]
        return fitting[-1] if self.rng.random() < 0.5 else int(self.rng.choice(fitting))

    def add(self, name, inputs, shapes, options=None, **fields):
        outputs = [self.graph.tensor(shape, **QUANTIZED) for shape in shapes]
        self.graph.operator(name, inputs, outputs, options, **fields)
        self.shapes |= dict(zip(outputs, map(tuple, shapes), strict=True))
        self.made += outputs

    def weights(self, *shape, axis=0):
        data = self.rng.integers(-127, 128, shape)
        return self.graph.tensor(shape, scale=[0.02] * shape[axis], axis=axis, data=data)

    def conv(self, x, shape):
        channels, height, width = (int(size) for size in self.rng.integers(1, (7, 4, 4)))
        inputs = [x, self.weights(channels, height, width, shape[3])]
        act = int(self.rng.integers(2))
        fields = STRIDES | {"fusedActivationFunction": act}
        self.add("CONV_2D", inputs, [(*shape[:3], channels)], "Conv2DOptions", **fields)

    def depthwise(self, x, shape):
        inputs = [x, self.weights(1, 3, int(self.rng.integers(1, 4)), shape[3], axis=3)]
        fields = STRIDES | {"depthMultiplier": 1}
        self.add("DEPTHWISE_CONV_2D", inputs, [shape], "DepthwiseConv2DOptions", **fields)

    def pool(self, x, shape):
        size = int(self.rng.integers(1, 4))
        fields = {"strideH": size, "strideW": size, "filterHeight": size, "filterWidth": size}
        out = (1, -(-shape[1] // size), -(-shape[2] // size), shape[3])
        name = str(self.rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"]))
        self.add(name, [x], [out], "Pool2DOptions", padding=0, **fields)

    def dense(self, x, shape):
        units = int(self.rng.integers(1, 6))
        data = self.rng.integers(-127, 128, (units, shape[3]))
        inputs = [x, self.graph.tensor((units, shape[3]), scale=0.03, data=data)]
        fields = {"keepNumDims": True}
        options = "FullyConnectedOptions"
        self.add("FULLY_CONNECTED", inputs, [(*shape[:3], units)], options, **fields)

    def binary(self, x, shape):
        name = str(self.rng.choice(["Add", "Sub", "Mul"]))
        self.add(name.upper(), [x, self.some(shape)], [shape], f"{name}Options")

    def unary(self, x, shape):
        self.add(str(self.rng.choice(["RELU", "QUANTIZE"])), [x], [shape])

    def concatenate(self, x, shape):
        axis = int(self.rng.integers(1, 4))
        rest = shape[:axis], shape[axis + 1 :]
        fitting = [y for y, s in self.shapes.items() if (s[:axis], s[axis + 1 :]) == rest]
        parts = [x, *(int(part) for part in self.rng.choice(fitting, self.rng.integers(0, 3)))]
        size = sum(self.shapes[part][axis] for part in parts)
        if size < 20:
            out = (*rest[0], size, *rest[1])
            self.add("CONCATENATION", parts, [out], "ConcatenationOptions", axis=axis)

    def split(self, x, shape):
        axis = int(self.rng.integers(1, 4))
        first = int(self.rng.integers(1, shape[axis] + 1))
        sizes = [size for size in (first, shape[axis] - first) if size]
        outs = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
        inputs = [x, self.graph.constant(sizes), self.graph.constant(axis)]
        self.add("SPLIT_V", inputs, outs, "SplitVOptions", numSplits=len(sizes))

    def slice(self, x, shape):
        begin = [int(self.rng.integers(size)) for size in shape]
        sizes = [
            int(self.rng.integers(size - at)) + 1 for size, at in zip(shape, begin, strict=True)
        ]
        inputs = [x, self.graph.constant(begin), self.graph.constant(sizes)]
        self.add("SLICE", inputs, [sizes], "SliceOptions")

    def pad(self, x, shape):
        amounts = self.rng.integers(0, 2, (4, 2))
        amounts[0] = 0
        out = [int(size + sum(one)) for size, one in zip(shape, amounts, strict=True)]
        self.add("PAD", [x, self.graph.constant(amounts)], [out], "PadOptions")

    def transpose(self, x, shape):
        order = [0, *(int(axis) for axis in 1 + self.rng.permutation(3))]
        out = [shape[axis] for axis in order]
        self.add("TRANSPOSE", [x, self.graph.constant(order)], [out], "TransposeOptions")

    def reshape(self, x, shape):
        out = (1, shape[3], shape[1], shape[2])
        self.add("RESHAPE", [x, self.graph.constant([1, -1, *out[2:]])], [out], "ReshapeOptions")

    OPERATORS = (conv, depthwise, pool, dense, binary, binary, unary, concatenate, concatenate)
    OPERATORS += (split, slice, pad, transpose, reshape, reshape)

    def model(self):
        for _ in range(self.rng.integers(2, 14)):
            x = self.some()
            self.OPERATORS[self.rng.integers(len(self.OPERATORS))](self, x, self.shapes[x])
        if not self.made:
            self.unary(x, self.shapes[x])
        outputs = [self.made[-1], *(one for one in self.made if self.rng.random() < 0.25)]
        self.graph._graph.outputs = list(dict.fromkeys(outputs))[:8]
        return self.graph.bytes()


def test_random_models():
    cases, ours, wrong = {}, {}, {}
    for seed in range(MODELS):
        rng = np.random.default_rng([3, seed])
        model = Drawing(rng).model()
        described = tflm.tensors(model)
        invokes = [
            [tflm_conformance.random_inputs(rng, tensor, 0) for tensor in described]
            for _ in range(INVOKES)
        ]
        cases[seed] = model, invokes
        loaded = tflm.Model(model, shift=seed % 4)
        ours[seed] = tflm_conformance.run(loaded, 1, invokes)
        loaded.step(50)
        loaded.reset()
        if tflm_conformance.run(loaded, 2 * (seed % 9), invokes) != ours[seed]:
            wrong[seed] = "in slices"
    answers = tflm_oracle.reference_answers(cases)
    assert all(answers.values())
    wrong |= {seed: "whole" for seed in cases if answers[seed] != ours[seed]}
    assert wrong == {}
