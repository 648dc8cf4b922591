# SPDX-License-Identifier: Apache-2.0
"""Runs the C core of firmware/modules/micdsp on this machine, through ctypes."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.host import hostlib

HOP_SAMPLES = 160
WINDOW_SAMPLES = 480
CHANNELS = 40

Samples = npt.NDArray[np.int16]


class FrontendState(ctypes.Structure):
    """micdsp_frontend_t of core/micdsp.h."""

    _fields_ = (
        ("noise", ctypes.c_uint32 * CHANNELS),
        ("spectrum", ctypes.c_uint32 * 256),
        ("work", ctypes.c_uint32 * 256),
        ("samples", ctypes.c_int16 * WINDOW_SAMPLES),
        ("sample_count", ctypes.c_size_t),
    )


class AdpcmState(ctypes.Structure):
    """micdsp_adpcm_t of core/micdsp.h."""

    _fields_ = (("predictor", ctypes.c_int16), ("index", ctypes.c_uint8))


def declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """Gives the functions of core/micdsp.h their types."""
    void, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, arguments in (
        ("frontend_reset", None, [void]),
        ("frontend_frames", size, [void, size]),
        ("frontend_process", size, [void, void, size, void]),
        ("frontend_quantize", None, [void, void, ctypes.c_float, ctypes.c_int32]),
        ("adpcm_encode", None, [void, void, size, void]),
        ("level_rms", ctypes.c_int32, [void, size]),
        ("level_peak", ctypes.c_int32, [void, size]),
        ("narrow", None, [void, size, ctypes.c_int, void]),
    ):
        function = getattr(library, f"micdsp_{name}")
        function.restype = result
        function.argtypes = arguments
    return library


def load() -> ctypes.CDLL:
    """Loads the core's functions.

    Raises:
        hostlib.CompileError: No compiler, or it failed.
    """
    return declare(hostlib.load("micdsp"))


def _address(values: npt.NDArray[Any]) -> int:
    return int(values.ctypes.data)


class Frontend:
    """A stream of microWakeWord features."""

    def __init__(self, library: ctypes.CDLL | None = None) -> None:
        self._library = library or load()
        self._state = FrontendState()
        self._library.micdsp_frontend_reset(ctypes.byref(self._state))

    def process(self, samples: Samples) -> npt.NDArray[np.uint16]:
        """Takes samples; returns the frames they complete, shape (frames, CHANNELS)."""
        samples = np.ascontiguousarray(samples, np.int16)
        state = ctypes.byref(self._state)
        frames = self._library.micdsp_frontend_frames(state, len(samples))
        features = np.zeros((frames, CHANNELS), np.uint16)
        written = self._library.micdsp_frontend_process(
            state, _address(samples), len(samples), _address(features)
        )
        assert written == frames
        return features


def quantize(features: npt.NDArray[np.uint16], scale: float, zero_point: int) -> Any:
    """Frames as int8 inputs of a model, same shape."""
    rows = np.ascontiguousarray(features, np.uint16).reshape(-1, CHANNELS)
    out = np.zeros(rows.shape, np.int8)
    ratio = np.float32(0.0390625) / np.float32(scale)
    for row, quantized in zip(rows, out, strict=True):
        load().micdsp_frontend_quantize(_address(row), _address(quantized), ratio, zero_point)
    return out


class AdpcmEncoder:
    """A stream of IMA ADPCM, first sample in the low nibble."""

    def __init__(self) -> None:
        self._state = AdpcmState()

    @property
    def predictor(self) -> int:
        return int(self._state.predictor)

    @property
    def index(self) -> int:
        return int(self._state.index)

    def encode(self, samples: Samples) -> bytes:
        """Encodes an even number of samples."""
        samples = np.ascontiguousarray(samples, np.int16)
        out = np.zeros(len(samples) // 2, np.uint8)
        load().micdsp_adpcm_encode(
            ctypes.byref(self._state), _address(samples), len(samples), _address(out)
        )
        return out.tobytes()


def rms(samples: Samples) -> int:
    """Root of the mean square, rounded down."""
    samples = np.ascontiguousarray(samples, np.int16)
    return int(load().micdsp_level_rms(_address(samples), len(samples)))


def peak(samples: Samples) -> int:
    """Largest magnitude."""
    samples = np.ascontiguousarray(samples, np.int16)
    return int(load().micdsp_level_peak(_address(samples), len(samples)))


def narrow(words: npt.NDArray[np.int32], gain_shift: int) -> Samples:
    """Makes samples from the highest bits of words, doubled a number of times and saturated."""
    words = np.ascontiguousarray(words, np.int32)
    out = np.zeros(len(words), np.int16)
    load().micdsp_narrow(_address(words), len(words), gain_shift, _address(out))
    return out
