# SPDX-License-Identifier: Apache-2.0
"""Runs .tflite models with the results of TensorFlow Lite Micro: int8 ones are equal byte for
byte, float32 arithmetic within 1e-5."""

from collections.abc import Buffer, Iterator, Sequence
from types import TracebackType
from typing import Any

OPS: tuple[str, ...]
"""The names of the operators that can be run."""

def arena_size(buf: Buffer) -> int:
    """The bytes of arena that a model needs if the arena starts at a multiple of 16, as all memory
    that MicroPython allocates does. Raises ValueError as `Model` does."""

def vectors(allow: bool) -> bool:
    """Allows or forbids the kernels for a vector unit; returns whether they are used. Without
    a call they are used on an ESP32-S3 on which they gave the results of plain C. Builds without
    these kernels lack this function."""

class Tensor:
    """An input or output as the model describes it."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str:
        """ "int8", "uint8", "int16", "int32", "int64", "float32" or "bool"."""
    @property
    def scale(self) -> float:
        """The real value of one step; 0.0 when the tensor is not quantized."""
    @property
    def zero_point(self) -> int:
        """The integer that stands for 0.0."""

class View:
    """A part of a tensor: the tensor's own memory, read and written as its type. It supports the
    buffer protocol.

    A memoryview of it does not keep the model's arena alive: keep the model."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[int | float]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Returns an element, or a view of a part; slices have no step."""
    def __setitem__(self, index: int | slice, value: int | float | Buffer | Sequence[int]) -> None:
        """Writes an element or, from a list or tuple of numbers or raw bytes, a part. Raises
        ValueError when a number does not fit the type, or the length differs from the part's."""

class Model:
    """A model, used in place. Methods raise RuntimeError when it was closed, when it is already
    running (an interrupt called it), or when a buffer moved or shrank."""

    def __init__(self, buf: Buffer, arena: Buffer | None = None) -> None:
        """Checks the model, plans its memory and prepares it.

        Args: buf holds the .tflite and is not copied; it may be a memoryview of a ROMFS file.
        arena is the model's working memory; with None, the model allocates a bytearray.

        Raises ValueError when the model is malformed or has unsupported parts;
        MemoryError when the arena is too small, with both sizes."""
    @property
    def inputs(self) -> tuple[Tensor, ...]: ...
    @property
    def outputs(self) -> tuple[Tensor, ...]: ...
    @property
    def arena_used(self) -> int:
        """Bytes of the arena that the model uses."""
    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
    @property
    def ops(self) -> list[str]:
        """The names of its operators, in order."""
    def input(self, index: int) -> View: ...
    def output(self, index: int) -> View: ...
    def invoke(self) -> None:
        """Runs one inference, or the rest of one that `step` has begun. Allocates nothing."""
    def step(self, max_macs: int) -> bool:
        """Runs a slice of an inference: about max_macs multiply-accumulates of a deep convolution,
        or other work that takes at most as long, but at least a row of one operator. Returns True
        when the inference is complete; leave the inputs alone until then. Allocates nothing."""
    def reset(self) -> None:
        """Resets the streaming state, and abandons an inference that `step` has begun."""
    def profile(self) -> list[tuple[str, int]]:
        """Runs one inference; returns name and microseconds of each operator that does work."""
    def deinit(self) -> None:
        """Releases the buffers."""
    def __enter__(self) -> Model: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
