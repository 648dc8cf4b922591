# SPDX-License-Identifier: Apache-2.0
"""The network: a causal convolution over time that gives a logit for each 30 ms.

The first layer sees 50 ms of features and moves on by 30 ms. Then come blocks of a depthwise
convolution over time and a pointwise one, each with a shortcut past it, and a pointwise last layer.
Streamed, each layer keeps the few rows that it will need again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

CHANNELS = 40
STRIDE = 3
FIRST_FRAMES = 5
# Features are 0 to 26, and mostly about this; subtracting it and dividing by it gives -1 to 3.
USUAL_FEATURE = 6.0
NORM_MOMENTUM = 0.98
NORM_EPSILON = 1e-3
Weights = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Size:
    """How large the network is.

    Attributes:
        first: Channels of the first layer.
        width: Channels of the blocks.
        kernels: Rows (of 30 ms) that each block's depthwise convolution sees.
    """

    first: int = 64
    width: int = 72
    kernels: tuple[int, ...] = (5, 7, 9, 11, 9, 7, 5)


@dataclass
class _Norm:
    scale: Any
    shift: Any
    mean: Any
    variance: Any

    def __call__(self, x: Any, *, training: bool) -> Any:
        mean, variance = self.mean, self.variance
        if training:
            mean, variance = tf.nn.moments(x, [0, 1, 2])
            for kept, now in ((self.mean, mean), (self.variance, variance)):
                kept.assign(NORM_MOMENTUM * kept + (1 - NORM_MOMENTUM) * now)
        return (x - mean) * tf.math.rsqrt(variance + NORM_EPSILON) * self.scale + self.shift

    def folded(self) -> tuple[Any, Any]:
        """Returns the factor and the bias to which it is equivalent."""
        factor = self.scale.numpy() / np.sqrt(self.variance.numpy() + NORM_EPSILON)
        return factor, self.shift.numpy() - self.mean.numpy() * factor


class Network(tf.Module):  # type: ignore[misc]
    """The network in float, for training."""

    def __init__(self, size: Size, seed: int) -> None:
        super().__init__()
        self.size = size
        self._rng = np.random.default_rng([seed, 2])
        self.variables_by_name: dict[str, Any] = {}
        self.first = self._weights("first", (FIRST_FRAMES, 1, CHANNELS, size.first), 200)
        self.first_norm = self._norm("first", size.first)
        self.blocks = []
        before = size.first
        for i, kernel in enumerate(size.kernels):
            self.blocks.append(
                (
                    self._weights(f"depthwise{i}", (kernel, 1, before, 1), 2 * kernel),
                    self._weights(f"pointwise{i}", (1, 1, before, size.width), before),
                    self._norm(f"block{i}", size.width),
                )
            )
            before = size.width
        self.last = self._weights("last", (1, 1, before, 1), 2 * before)
        self.last_bias = self._variable("last_bias", np.full(1, -2.0))

    def _variable(self, name: str, value: npt.NDArray[Any], *, trained: bool = True) -> Any:
        made = tf.Variable(value.astype(np.float32), trainable=trained, name=name)
        self.variables_by_name[name] = made
        return made

    def _weights(self, name: str, shape: tuple[int, ...], inputs: int) -> Any:
        return self._variable(name, self._rng.normal(0, np.sqrt(2 / inputs), shape))

    def _norm(self, name: str, channels: int) -> _Norm:
        return _Norm(
            self._variable(f"{name}_scale", np.ones(channels)),
            self._variable(f"{name}_shift", np.zeros(channels)),
            self._variable(f"{name}_mean", np.zeros(channels), trained=False),
            self._variable(f"{name}_variance", np.ones(channels), trained=False),
        )

    def logits(self, features: Any, *, training: bool = False) -> Any:
        """Returns a logit for each step; step j has seen the frames up to STRIDE * j + 4.

        Args:
            features: Shape (clips, frames, 40), 0 to 26.
            training: Whether norms use the statistics of these clips.
        """
        y = (features[:, :, None, :] - USUAL_FEATURE) / USUAL_FEATURE
        y = tf.nn.conv2d(y, self.first, [1, STRIDE, 1, 1], "VALID")
        y = tf.nn.relu(self.first_norm(y, training=training))
        for depthwise, pointwise, norm in self.blocks:
            z = tf.pad(y, [[0, 0], [int(depthwise.shape[0]) - 1, 0], [0, 0], [0, 0]])
            z = tf.nn.depthwise_conv2d(z, depthwise, [1, 1, 1, 1], "VALID")
            z = norm(tf.nn.conv2d(z, pointwise, 1, "VALID"), training=training)
            y = tf.nn.relu(z + y if z.shape[-1] == y.shape[-1] else z)
        return (tf.nn.conv2d(y, self.last, 1, "VALID") + self.last_bias)[:, :, 0, 0]

    def weights(self) -> Weights:
        """Returns all weights by name."""
        return {name: each.numpy() for name, each in self.variables_by_name.items()}

    def load(self, weights: Weights) -> None:
        """Restores what `weights` returned."""
        for name, each in self.variables_by_name.items():
            each.assign(weights[name])

    @property
    def macs(self) -> int:
        """Returns the multiply-accumulates per step."""
        size, before = self.size, self.size.first
        count = FIRST_FRAMES * CHANNELS * before
        for kernel in size.kernels:
            count += kernel * before + before * size.width
            before = size.width
        return count + before


class Streaming(tf.Module):  # type: ignore[misc]
    """A trained network for conversion, which takes three frames per call and keeps state."""

    def __init__(self, network: Network, scale: float, shift: float) -> None:
        """Folds norms into weights; the output is the sigmoid of logit * scale + shift."""
        super().__init__()
        factor, bias = network.first_norm.folded()
        first = network.first.numpy() * factor
        self._constants = [(first / USUAL_FEATURE, bias - first.sum((0, 1, 2)))]
        self._blocks = []
        for depthwise, pointwise, norm in network.blocks:
            factor, bias = norm.folded()
            self._blocks.append((depthwise.numpy(), pointwise.numpy() * factor, bias))
        self._last = network.last.numpy() * scale
        self._last_bias = network.last_bias.numpy() * scale + shift
        rows = [(FIRST_FRAMES - STRIDE, CHANNELS)]
        rows += [(len(depthwise) - 1, depthwise.shape[2]) for depthwise, _, _ in self._blocks]
        self._state = [
            tf.Variable(tf.zeros([1, kept, 1, channels]), trainable=False, name=f"state{i}")
            for i, (kept, channels) in enumerate(rows)
        ]

    def _extended(self, i: int, new: Any) -> Any:
        """Appends new rows to those that a layer kept; it keeps the end of them."""
        rows = tf.concat([self._state[i], new], 1)
        self._state[i].assign(rows[:, -int(self._state[i].shape[1]) :])
        return rows

    @tf.function(input_signature=[tf.TensorSpec([1, STRIDE, CHANNELS])])  # type: ignore[untyped-decorator]
    def step(self, features: Any) -> Any:
        """Returns the probability after three more frames, shape (1, 1)."""
        first, bias = self._constants[0]
        rows = self._extended(0, tf.reshape(features, [1, STRIDE, 1, CHANNELS]))
        y = tf.nn.relu(tf.nn.conv2d(rows, first, [1, STRIDE, 1, 1], "VALID") + bias)
        for i, (depthwise, pointwise, bias) in enumerate(self._blocks, 1):
            z = tf.nn.depthwise_conv2d(self._extended(i, y), depthwise, [1, 1, 1, 1], "VALID")
            z = tf.nn.conv2d(z, pointwise, 1, "VALID") + bias
            y = tf.nn.relu(z + y if z.shape[-1] == y.shape[-1] else z)
        y = tf.nn.conv2d(y, self._last, 1, "VALID") + self._last_bias
        return tf.sigmoid(tf.reshape(y, [1, 1]))
