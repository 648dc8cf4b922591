# SPDX-License-Identifier: Apache-2.0
"""Runs firmware/modules/tflm, the same C code as on the boards, on this machine through ctypes."""

from __future__ import annotations

import contextlib
import ctypes
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from workbench.errors import WorkbenchError
from workbench.host import hostlib

MAX_RANK = 6
MAX_IO = 16
MESSAGE_BYTES = 160
# tflm_status_t
OK, ERROR_MODEL, ERROR_UNSUPPORTED, ERROR_OPERATOR, ERROR_ARENA, ERROR_MOVED = range(6)
KEEP_ALL = 1
# tflm_which_t
INPUT, OUTPUT, TENSOR = range(3)
ALL_MACS = 0xFFFFFFFF
# tflm_state_t: offset, size, initial value
STATE = struct.Struct("<III")


class ModelError(WorkbenchError):
    """A model is malformed or cannot be run by tflm; the message says what is wrong and where."""


class UnsupportedError(ModelError):
    """A model is sound, but has an operator in a type or form that tflm does not run."""


class MissingOperatorError(ModelError):
    """A model has an operator that tflm lacks; the message names it and the supported ones."""


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("rank", ctypes.c_uint32),
        ("dims", ctypes.c_int32 * MAX_RANK),
        ("elements", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32),
        ("scale", ctypes.c_float),
        ("zero_point", ctypes.c_int32),
        ("scales", ctypes.c_uint32),
        ("scale_at", ctypes.c_uint32),
        ("scale_axis", ctypes.c_int32),
        ("data_at", ctypes.c_uint32),
        ("name_at", ctypes.c_uint32),
        ("name_length", ctypes.c_uint32),
        ("is_variable", ctypes.c_bool),
    ]


class _Model(ctypes.Structure):
    _fields_ = [
        ("model_bytes", ctypes.c_uint32),
        ("arena_bytes", ctypes.c_uint32),
        ("arena_padding", ctypes.c_uint32),
        ("records_at", ctypes.c_uint32),
        ("records_end", ctypes.c_uint32),
        ("states_at", ctypes.c_uint32),
        ("states", ctypes.c_uint32),
        ("record", ctypes.c_uint32),
        ("row", ctypes.c_uint32),
        ("counts", ctypes.c_uint32 * 2),
        ("macs", ctypes.c_uint64),
        ("code", ctypes.c_uint8),
        ("arena_exact", ctypes.c_bool),
        ("message", ctypes.c_char * MESSAGE_BYTES),
        ("places", ctypes.c_uint32 * MAX_IO * 2),
    ]


class _Buffers(ctypes.Structure):
    _fields_ = [
        ("model", ctypes.c_void_p),
        ("model_bytes", ctypes.c_size_t),
        ("arena", ctypes.c_void_p),
        ("arena_bytes", ctypes.c_size_t),
    ]


def _library() -> ctypes.CDLL:
    library = hostlib.load("tflm")
    library.tflm_operator_name.restype = ctypes.c_char_p
    library.tflm_supported_name.restype = ctypes.c_char_p
    library.tflm_type_name.restype = ctypes.c_char_p
    return library


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model.

    Attributes:
        name: Its name in the model; may be empty.
        shape: Its dimensions; empty for a scalar.
        dtype: For example "int8".
        scale: Real value of one step; 0.0 when it is not quantized.
        zero_point: The integer that stands for 0.0.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


def _name(library: ctypes.CDLL, code: int) -> str:
    name = library.tflm_operator_name(code)
    return name.decode() if name else f"operator {code}"


def supported() -> list[str]:
    """The names of the operators that tflm runs."""
    library = _library()
    names: list[str] = []
    while name := library.tflm_supported_name(len(names)):
        names.append(name.decode())
    return names


def operators(model: bytes) -> Counter[str]:
    """Counts how often a model uses each operator, supported or not. Empty if it is malformed."""
    library = _library()
    counts: Counter[str] = Counter()
    index = 0
    while (code := library.tflm_operator_code(model, ctypes.c_size_t(len(model)), index)) >= 0:
        counts[_name(library, code)] += 1
        index += 1
    return counts


def _tensor(library: ctypes.CDLL, model: bytes, found: _Tensor) -> Tensor:
    name = model[found.name_at : found.name_at + found.name_length]
    return Tensor(
        name=name.decode(errors="replace"),
        shape=tuple(found.dims[: found.rank]),
        dtype=library.tflm_type_name(found.type).decode(),
        scale=found.scale,
        zero_point=found.zero_point,
    )


def tensors(model: bytes, *, outputs: bool = False) -> list[Tensor]:
    """Returns a model's inputs or outputs, even if tflm cannot run it. Empty if malformed."""
    library = _library()
    size = ctypes.c_size_t(len(model))
    described = []
    found = _Tensor()
    which = OUTPUT if outputs else INPUT
    for index in range(MAX_IO):
        if library.tflm_describe(model, size, which, index, ctypes.byref(found)) != OK:
            break
        described.append(_tensor(library, model, found))
    return described


class Model:
    """A model loaded into an arena of its own.

    Attributes:
        arena_bytes: The exact size of arena that it needs.
        macs: Multiply-accumulates of one inference.
        inputs: Its input tensors.
        outputs: Its output tensors.
    """

    def __init__(self, model: bytes, *, flags: int = 0, shift: int = 0) -> None:
        """Loads `model`.

        Args:
            model: The bytes of a .tflite.
            flags: 0, or KEEP_ALL.
            shift: Offset in bytes of the model's address from an aligned one.

        Raises:
            MissingOperatorError: It has an operator that tflm lacks.
            UnsupportedError: It has one in a type or form that tflm does not run.
            ModelError: It is malformed.
        """
        self._library = _library()
        self._model_bytes = len(model)
        self._buffer = ctypes.create_string_buffer(bytes(shift) + model)
        self._model_at = ctypes.addressof(self._buffer) + shift
        self._state = _Model()
        self._arena: ctypes.Array[ctypes.c_char] = ctypes.create_string_buffer(0)
        arena_bytes = 0
        while True:
            # malloc aligns to 16 bytes, but ctypes stores small buffers inside the object.
            self._arena = ctypes.create_string_buffer(arena_bytes + 16)
            self._offset = -ctypes.addressof(self._arena) % 16
            self._arena_bytes = arena_bytes
            status = self._call("tflm_load", ctypes.c_uint(flags))
            if status != ERROR_ARENA:
                break
            arena_bytes = self._state.arena_bytes
        if status == ERROR_OPERATOR:
            raise MissingOperatorError(f"{self.message}; supported: {', '.join(supported())}")
        if status == ERROR_UNSUPPORTED:
            raise UnsupportedError(self.message)
        if status != OK:
            raise ModelError(self.message)
        self.arena_bytes: int = self._state.arena_bytes
        self.macs: int = self._state.macs
        self.inputs = tensors(model)
        self.outputs = tensors(model, outputs=True)

    @property
    def message(self) -> str:
        """The message of the last failure."""
        return bytes(self._state.message).decode(errors="replace")

    def _buffers(self) -> _Buffers:
        arena = ctypes.addressof(self._arena) + self._offset
        return _Buffers(self._model_at, self._model_bytes, arena, self._arena_bytes)

    def _call(self, function: str, *arguments: Any) -> int:
        status: int = getattr(self._library, function)(
            ctypes.byref(self._state), ctypes.byref(self._buffers()), *arguments
        )
        return status

    def _find(self, which: int, index: int) -> tuple[_Tensor, int | None]:
        tensor = _Tensor()
        data = ctypes.c_void_p()
        status = self._call(
            "tflm_find", which, ctypes.c_uint(index), ctypes.byref(tensor), ctypes.byref(data)
        )
        if status != OK:
            raise IndexError(f"no tensor {index}")
        return tensor, data.value

    def set_input(self, index: int, data: bytes) -> None:
        """Writes an input tensor's bytes, little-endian.

        Raises:
            ValueError: There are too few or too many bytes.
        """
        tensor, address = self._find(INPUT, index)
        if len(data) != tensor.bytes:
            raise ValueError(f"input {index} takes {tensor.bytes} bytes, not {len(data)}")
        ctypes.memmove(address or 0, data, len(data))

    def output(self, index: int) -> bytes:
        """Returns the bytes of an output tensor."""
        tensor, address = self._find(OUTPUT, index)
        return ctypes.string_at(address or 0, tensor.bytes)

    def tensor(self, index: int) -> bytes | None:
        """Returns the bytes of any tensor after an inference, if it has any; needs KEEP_ALL."""
        tensor, address = self._find(TENSOR, index)
        return ctypes.string_at(address, tensor.bytes) if address else None

    def tensors(self) -> list[Tensor]:
        """The main subgraph's tensors that take memory of the arena; needs KEEP_ALL."""
        content = self._buffer.raw[-self._model_bytes - 1 : -1]
        described: list[Tensor] = []
        with contextlib.suppress(IndexError):
            for index in count():
                found, _ = self._find(TENSOR, index)
                if found.bytes and not found.data_at:
                    described.append(_tensor(self._library, content, found))
        return described

    def types(self) -> set[str]:
        """The types of all tensors; needs KEEP_ALL."""
        types: set[str] = set()
        for index in count():
            try:
                tensor, _ = self._find(TENSOR, index)
            except IndexError:
                return types
            types.add(self._library.tflm_type_name(tensor.type).decode())
        return types

    def invoke(self) -> None:
        """Runs one inference."""
        self.step(ALL_MACS)

    def step(self, max_macs: int) -> bool:
        """Runs a slice of an inference; True when it is complete."""
        done = ctypes.c_bool()
        self._call("tflm_step", ctypes.c_uint32(max_macs), ctypes.byref(done))
        return done.value

    def reset(self) -> None:
        """Puts the streaming state back to the start."""
        self._call("tflm_reset")

    def states(self) -> list[bytes]:
        """The bytes of each variable and each other tensor that outlives an inference."""
        states = []
        for i in range(self._state.states):
            at = self._offset + self._state.states_at + STATE.size * i
            place, size, _ = STATE.unpack_from(self._arena, at)
            address = ctypes.addressof(self._arena) + self._offset + place
            states.append(ctypes.string_at(address, size))
        return states

    def rows(self) -> Iterator[tuple[int, int]]:
        """Returns how many rows each operator that does work has, and the cost of one row."""
        at = self._offset + self._state.records_at
        while at < self._offset + self._state.records_end:
            size, rows, cost = struct.unpack_from("<III", self._arena, at)
            yield rows, cost
            at += size

    def records(self) -> Iterator[str]:
        """The names of the operators that do work, in the order they run."""
        record = ctypes.c_uint32(self._state.records_at)
        while True:
            code = self._call("tflm_record_code", ctypes.byref(record))
            if code < 0:
                return
            yield _name(self._library, code)
