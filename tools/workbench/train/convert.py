# SPDX-License-Identifier: Apache-2.0
"""Converts a trained network to an int8 streaming model, and checks its limits."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from workbench.host import tflm
from workbench.models import verification
from workbench.train import rooms
from workbench.train.errors import TrainError
from workbench.train.network import CHANNELS, STRIDE, Network, Streaming
from workbench.train.shrink import shrunk
from workbench.train.training import WINDOW

# The number of clips that determine the ranges of activations.
RANGE_CLIPS = 60
VERIFIED_INFERENCES = 100
MACS_MAX = 60_000
ARENA_MAX_BYTES = 30 * 1024
MODEL_MAX_BYTES = 90 * 1024
# The logit of this share of phrases, the surest ones, becomes 0.98.
SURE = 4.0
SCALES = (0.25, 2.0)

Features = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Figures:
    """What a model costs.

    Attributes:
        model_bytes: Size of the file.
        arena_bytes: The arena that tflm needs for it.
        macs: Multiply-accumulates for each 30 ms.
    """

    model_bytes: int
    arena_bytes: int
    macs: int


def peaks(network: Network, clips: Features) -> npt.NDArray[np.float32]:
    """Returns each clip's highest mean logit, over as many steps as the firmware averages."""
    found = []
    for at in range(0, len(clips), 100):
        x = tf.constant(clips[at : at + 100].astype(np.float32) * rooms.FEATURE_STEP)
        logits = network.logits(x).numpy()
        sums = np.cumsum(np.pad(logits, ((0, 0), (1, 0))), 1)
        found.append(((sums[:, WINDOW:] - sums[:, :-WINDOW]) / WINDOW).max(1))
    return np.concatenate(found)


def spread(
    phrases: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> tuple[float, float]:
    """Returns a scale and a shift of logits that make good use of the output's 256 values.

    The middle of the scale is at the surest of other sounds, where the cutoff will be: otherwise
    all outputs that matter could be among the last few values.
    """
    middle = float(np.quantile(others, 0.995))
    sure = float(np.quantile(phrases, 0.9))
    scale = float(np.clip(SURE / max(sure - middle, 1e-3), *SCALES))
    return scale, -scale * middle


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Hides what the converter's C++ code prints."""
    with tempfile.TemporaryFile() as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def to_tflite(network: Network, clips: Features, scale: float, shift: float) -> bytes:
    """Returns the network as a microWakeWord model: (1, 3, 40) int8 in, (1, 1) uint8 out.

    Args:
        network: The trained network.
        clips: Features of phrases and other sounds, which determine the ranges.
        scale: The logits' factor, from `spread`.
        shift: What is added to the logits, likewise.
    """
    streaming = Streaming(network, scale, shift)

    def samples() -> Iterator[list[Any]]:
        # The input's range is always that of the features.
        for value in (0.0, 26.0):
            yield [np.full((1, STRIDE, CHANNELS), value, np.float32)]
        for clip in clips[:: max(1, len(clips) // RANGE_CLIPS)]:
            for at in range(0, len(clip) - STRIDE + 1, STRIDE):
                yield [clip[None, at : at + STRIDE].astype(np.float32) * rooms.FEATURE_STEP]

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [streaming.step.get_concrete_function()], streaming
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.uint8
    converter.experimental_enable_resource_variables = True
    converter._experimental_variable_quantization = True
    with _quietly():
        model: bytes = converter.convert()
    return shrunk(model)


def checked(model: bytes) -> Figures:
    """Checks a model's limits, and compares it with TensorFlow Lite Micro byte for byte.

    Raises:
        TrainError: It is too large.
        verification.VerifyError: tflm's results differ.
    """
    loaded = tflm.Model(model)
    figures = Figures(len(model), loaded.arena_bytes, loaded.macs)
    for what, value, most in (
        ("bytes", figures.model_bytes, MODEL_MAX_BYTES),
        ("bytes of arena", figures.arena_bytes, ARENA_MAX_BYTES),
        ("MACs", figures.macs, MACS_MAX),
    ):
        if value > most:
            raise TrainError(f"the model came out with {value} {what}, more than {most}")
    verification.verify(model, VERIFIED_INFERENCES)
    return figures
