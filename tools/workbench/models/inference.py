# SPDX-License-Identifier: Apache-2.0
"""Runs inferences on raw tensor bytes, on this machine or on an emulated board."""

from __future__ import annotations

from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.runners import boards
from workbench.runners.runner import CHECKS

HOST = "host"
BOARDS = (HOST, *boards.BOARDS)
ELEMENT_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "float32": 4, "int64": 8}


class ModelRunError(WorkbenchError):
    """There is no such board to run models on."""


def tensor_bytes(tensor: tflm.Tensor) -> int:
    """The size of a tensor."""
    size = ELEMENT_BYTES[tensor.dtype]
    for dim in tensor.shape:
        size *= dim
    return size


def on_host(model: bytes, data: bytes) -> bytes:
    """Runs one or more inferences on concatenated inputs, and returns the outputs.

    Raises:
        tflm.ModelError: It is malformed or cannot be run.
    """
    loaded = tflm.Model(model)
    sizes = [tensor_bytes(tensor) for tensor in loaded.inputs]
    result = bytearray()
    for start in range(0, len(data), sum(sizes)):
        at = start
        for i, size in enumerate(sizes):
            loaded.set_input(i, data[at : at + size])
            at += size
        loaded.invoke()
        for i in range(len(loaded.outputs)):
            result += loaded.output(i)
    return bytes(result)


def on(board: str, model: bytes, data: bytes) -> bytes:
    """Runs inferences as `on_host` does, on one of BOARDS.

    Raises:
        ModelRunError: There is no such board.
        WorkbenchError: It cannot be built or emulated, or refuses the model.
    """
    if board == HOST:
        return on_host(model, data)
    if board not in BOARDS:
        raise ModelRunError(f"no board '{board}' to run models on; there are: {', '.join(BOARDS)}")
    script = CHECKS / "model_run.py"
    return boards.runner(board).run(
        script, "model.tflite", stdin=data, files={"model.tflite": model}
    )
