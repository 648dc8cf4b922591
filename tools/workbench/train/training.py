# SPDX-License-Identifier: Apache-2.0
"""Trains the network on clips; after an interruption, it goes on from its last checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from workbench.train import network, rooms
from workbench.train.files import whole
from workbench.train.network import STRIDE

# Clips of each kind in a batch of 128. Recordings of people replace some of them.
BATCH = {"phrase": 64, "near": 16, "misspoken": 10, "other": 32, "noise": 6}
PEOPLE = {"other": -20, "people": 20}
USERS = {"phrase": -16, "real": 16}
# The best mean of this many logits counts, as the firmware averages this many outputs.
WINDOW = 4
LEARNING_RATE = 1e-3
WARM_UP_STEPS = 200
GRADIENT_MAX = 5.0
CHECKPOINT_STEPS = 100
# The model has to report the phrase in these frames around its last one. It must not in those
# before (at least this many, and this share of the phrase) and after.
HEARD_FROM, HEARD_TO = -3, 22
QUIET_BEFORE, QUIET_SHARE, QUIET_AFTER = 20.0, 0.45, 60
FAR = 50.0

Clips = Mapping[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]]


def batch_kinds(kinds: Mapping[str, Any]) -> dict[str, int]:
    """Returns how many clips of each kind a batch has."""
    counts = dict(BATCH)
    for kind, change in (("people", PEOPLE), ("real", USERS)):
        if kind in kinds:
            for name, more in change.items():
                counts[name] = counts.get(name, 0) + more
    return counts


def _batch(clips: Clips, rng: np.random.Generator) -> tuple[Any, Any]:
    """Returns a batch's features, some masked or shifted by a channel, and the phrase's frames."""
    features, frames = [], []
    for kind, count in batch_kinds(clips).items():
        made, where = clips[kind]
        chosen = rng.integers(len(made), size=count)
        features.append(made[chosen])
        frames.append(where[chosen])
    x = np.concatenate(features)
    for clip in x:
        if rng.random() < 0.4:
            channel = int(rng.integers(0, 38))
            clip[:, channel : channel + int(rng.integers(1, 6))] = 0
        if rng.random() < 0.2:
            frame = int(rng.integers(0, len(clip) - 10))
            clip[frame : frame + int(rng.integers(1, 8))] = 0
        if rng.random() < 0.3:
            clip[:] = np.roll(clip, int(rng.integers(-1, 2)), 1)
    return x, np.concatenate(frames)


def _loss(logits: Any, frames: Any) -> Any:
    """Returns the loss for phrases not heard in time, and for anything else that was heard."""
    start, end = (tf.cast(frames[:, i : i + 1], tf.float32) for i in (0, 1))
    seen = tf.cast(tf.range(tf.shape(logits)[1]) * STRIDE + network.FIRST_FRAMES - 1, tf.float32)
    has = tf.cast(end >= 0, tf.float32)
    means = tf.nn.avg_pool1d(logits[:, :, None], WINDOW, 1, "SAME")[:, :, 0]
    when = tf.cast((seen >= end + HEARD_FROM) & (seen <= end + HEARD_TO), tf.float32) * has
    best = tf.reduce_max(means + (when - 1) * FAR, 1)
    missed = tf.reduce_sum(tf.nn.softplus(-best) * has[:, 0]) / tf.reduce_sum(has)
    before = end - tf.maximum(QUIET_BEFORE, QUIET_SHARE * (end - start))
    quiet = tf.cast((seen < before) | (seen > end + QUIET_AFTER), tf.float32) * has + (1 - has)
    each = tf.reduce_sum(tf.nn.softplus(logits) * quiet, 1)
    each = tf.reduce_mean(each / tf.maximum(1.0, tf.reduce_sum(quiet, 1)))
    worst = tf.reduce_mean(tf.nn.softplus(tf.reduce_max(means + (quiet - 1) * FAR, 1)))
    return missed + 2 * each + worst


class Trainer:
    """The steps of a training.

    Attributes:
        network: The network.
        done: The number of steps so far.
    """

    def __init__(
        self, clips: Clips, size: network.Size, steps: int, seed: int, checkpoint: Path
    ) -> None:
        """Goes on from `checkpoint` if there is one, else starts anew."""
        if threads := os.environ.get("OMP_NUM_THREADS"):
            tf.config.threading.set_intra_op_parallelism_threads(int(threads))
            tf.config.threading.set_inter_op_parallelism_threads(int(threads))
        self.network = network.Network(size, seed)
        self._clips, self._steps, self._seed = clips, steps, seed
        self._checkpoint = checkpoint
        self._trained = list(self.network.trainable_variables)
        self._moments = [
            (tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in self._trained
        ]
        self.done = 0
        if checkpoint.exists():
            with np.load(checkpoint) as kept:
                self.network.load({name: kept[name] for name in self.network.variables_by_name})
                for i, pair in enumerate(self._moments):
                    for j, moment in enumerate(pair):
                        moment.assign(kept[f"moment{i}_{j}"])
                self.done = int(kept["done"])
        self._compiled = tf.function(self._step)

    def _step(self, x: Any, frames: Any, rate: Any, number: Any) -> Any:
        x = tf.cast(x, tf.float32) * rooms.FEATURE_STEP
        with tf.GradientTape() as tape:
            loss = _loss(self.network.logits(x, training=True), frames)
        gradients = tape.gradient(loss, self._trained)
        gradients, _ = tf.clip_by_global_norm(gradients, GRADIENT_MAX)
        # Adam is written out here so that checkpoints hold all of its state.
        for v, g, (mean, square) in zip(self._trained, gradients, self._moments, strict=True):
            mean.assign(0.9 * mean + 0.1 * g)
            square.assign(0.999 * square + 0.001 * g * g)
            corrected = mean / (1 - 0.9**number)
            v.assign_sub(rate * corrected / (tf.sqrt(square / (1 - 0.999**number)) + 1e-7))
        return loss

    def _rate(self) -> float:
        """Returns the learning rate: a warm-up, then a cosine decay."""
        warm = min(1.0, (self.done + 1) / min(WARM_UP_STEPS, max(1, self._steps // 5)))
        fallen: float = 0.5 + 0.5 * np.cos(np.pi * self.done / self._steps)
        return LEARNING_RATE * warm * fallen + 1e-5

    def save(self) -> None:
        """Writes a checkpoint atomically."""
        kept: dict[str, Any] = dict(self.network.weights())
        for i, pair in enumerate(self._moments):
            for j, moment in enumerate(pair):
                kept[f"moment{i}_{j}"] = moment.numpy()
        with whole(self._checkpoint) as file:
            np.savez(file, done=self.done, **kept)

    def run(self, passed: Callable[[int, float], object]) -> None:
        """Trains to the last step; calls `passed` with the steps done and the loss.

        Raises:
            OSError: A checkpoint cannot be written.
        """
        while self.done < self._steps:
            # Each step has its own random generator, so that a resumed run repeats it.
            rng = np.random.default_rng([self._seed, 3, self.done])
            x, frames = _batch(self._clips, rng)
            numbers = (self._rate(), self.done + 1)
            rate, number = (tf.constant(value, tf.float32) for value in numbers)
            loss = self._compiled(tf.constant(x), tf.constant(frames), rate, number)
            self.done += 1
            passed(self.done, float(loss))
            if self.done % CHECKPOINT_STEPS == 0 or self.done == self._steps:
                self.save()
