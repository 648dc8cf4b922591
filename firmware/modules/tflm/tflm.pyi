# SPDX-License-Identifier: Apache-2.0
"""Runs .tflite models with the results of TensorFlow Lite Micro: int8 ones byte for byte, float32
arithmetic within 1e-5."""

from collections.abc import Buffer, Iterator, Sequence
from types import TracebackType
from typing import Any

OPS: tuple[str, ...]
"""The names of the operators that can be run."""

def arena_size(buf: Buffer) -> int:
    """The bytes that a model needs of an arena that starts at a multiple of 16, as all do that
    MicroPython allocates. Raises ValueError as `Model`."""

def vectors(allow: bool) -> bool:
    """Lets the kernels for a vector unit be used, or not; gives whether they are. Without a call
    they are, on an ESP32-S3 where they gave what plain C gives. Builds without them lack this."""

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
    """A part of a tensor: its own memory, read and written as its type; has the buffer protocol.

    A memoryview of it does not keep the model's arena alive: keep the model."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[int | float]: ...
    def __getitem__(self, index: int | slice) -> Any:
        """An element, or a view of a part; slices have no step."""
    def __setitem__(self, index: int | slice, value: int | float | Buffer | Sequence[int]) -> None:
        """Writes an element or, from a list or tuple of numbers or raw bytes, a part. Raises
        ValueError when a number does not fit the type, or the length is not the part's."""

class Model:
    """A model, used where it lies. RuntimeError: it was closed, is running (an interrupt came back
    to it), or a buffer moved or shrank."""

    def __init__(self, buf: Buffer, arena: Buffer | None = None) -> None:
        """Checks the model, plans its memory and prepares it.

        Args: buf holds the .tflite and is not copied; a memoryview of a ROMFS file will do.
        arena is the model's working memory; None: a bytearray of its own.

        Raises ValueError when the model is malformed or holds what is not supported;
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
        """Runs one inference, or what a `step` has left of one. Allocates nothing."""
    def step(self, max_macs: int) -> bool:
        """Runs a slice of an inference: of a deep convolution about max_macs multiply-accumulates,
        of anything else what takes at most as long; at least a row of one operator. True when it is
        complete. Leave inputs alone until then. Allocates nothing."""
    def reset(self) -> None:
        """Puts the streaming state back to the start, and gives up what a `step` has begun."""
    def profile(self) -> list[tuple[str, int]]:
        """Runs one inference; for each operator that does work, its name and its microseconds."""
    def deinit(self) -> None:
        """Lets go of the buffers."""
    def __enter__(self) -> Model: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
