# SPDX-License-Identifier: Apache-2.0
"""Converts a trained network to an int8 streaming model, and holds it to its limits."""

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

# Clips that the ranges of activations are taken from.
RANGE_CLIPS = 60
VERIFIED_INFERENCES = 100
MACS_MAX = 60_000
ARENA_MAX_BYTES = 30 * 1024
MODEL_MAX_BYTES = 90 * 1024
# The logit of the share of phrases that is the surest comes out as 0.98.
SURE = 4.0
SCALES = (0.25, 2.0)

Features = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Figures:
    """What a model costs.

    Attributes:
        model_bytes: Size of the file.
        arena_bytes: Memory that tflm needs for it.
        macs: Multiply-accumulates for each 30 ms.
    """

    model_bytes: int
    arena_bytes: int
    macs: int


def peaks(network: Network, clips: Features) -> npt.NDArray[np.float32]:
    """The highest mean logit of each clip, over as many steps as the firmware takes."""
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
    """A scale and a shift of logits that use the 256 values of the output well.

    Half of the scale lies at the surest of other sounds, where the cutoff will be: else what
    matters could all fall on the last few values.
    """
    middle = float(np.quantile(others, 0.995))
    sure = float(np.quantile(phrases, 0.9))
    scale = float(np.clip(SURE / max(sure - middle, 1e-3), *SCALES))
    return scale, -scale * middle


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keeps what the converter prints from C++ off the terminal."""
    with tempfile.TemporaryFile() as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def to_tflite(network: Network, clips: Features, scale: float, shift: float) -> bytes:
    """The network as a model of the wake word ecosystem: (1, 3, 40) int8 in, (1, 1) uint8 out.

    Args:
        network: Trained.
        clips: Features that ranges are taken from, of phrases and of other sounds.
        scale: Factor of the logits, from `spread`.
        shift: What is added to them, likewise.
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
    """Holds a model to its limits, and compares it with TensorFlow Lite Micro byte for byte.

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
