# SPDX-License-Identifier: Apache-2.0
"""Compares tflm with TensorFlow Lite Micro (the `tflite-micro` wheel) on one model."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.models import inference

ARENA_BYTES = 1 << 24
SCHEMA = "tflite_micro.tensorflow.lite.micro.python.schema_py_generated"
RESOURCE = 13  # TensorType: has no bytes of its own.
OUTPUTS_A_RUN = 8
# The relative tolerance that tflm promises for float32. Where large terms cancel it is relative to
# these terms, for which the tensor's largest value stands.
FLOAT_TOLERANCE = 1e-5
CANCELLED_TOLERANCE = 1e-6


class VerifyError(WorkbenchError):
    """The wheel is missing or refuses the model, or the two differ; the message says where."""


def differs(expected: npt.NDArray[Any], given: bytes) -> bool:
    """Whether a tensor's bytes differ; for float32, whether a value exceeds the tolerance."""
    if expected.dtype != np.float32:
        return expected.tobytes() != given
    wanted = expected.ravel()
    finite = np.abs(wanted[np.isfinite(wanted)])
    near = CANCELLED_TOLERANCE * float(finite.max(initial=0.0))
    got = np.frombuffer(given, np.float32)
    return got.size != wanted.size or not np.allclose(
        got, wanted, rtol=FLOAT_TOLERANCE, atol=near, equal_nan=True
    )


def _inputs(
    tensors: list[tflm.Tensor], rng: np.random.Generator, sample: int
) -> list[npt.NDArray[Any]]:
    """Makes inputs of random values, of extreme ones and of one value everywhere, in turn."""
    made: list[npt.NDArray[Any]] = []
    for tensor in tensors:
        if tensor.dtype == "float32":
            made.append(rng.normal(0, 1, tensor.shape).astype(np.float32))
            continue
        info = np.iinfo(tensor.dtype)
        kind = sample % 3
        if kind == 0:
            values = rng.integers(info.min, info.max, tensor.shape, endpoint=True)
        elif kind == 1:
            values = rng.choice([info.min, info.max, tensor.zero_point], tensor.shape)
        else:
            values = np.full(tensor.shape, rng.integers(info.min, info.max, endpoint=True))
        made.append(values.astype(tensor.dtype))
    return made


class _Pair:
    """Both runtimes with the same model, state and inputs."""

    def __init__(self, model: bytes, *, keep_all: bool) -> None:
        try:
            runtime: Any = importlib.import_module("tflite_micro").runtime
        except ImportError:
            raise VerifyError(
                "tflite-micro is not installed: pip install --pre tflite-micro"
            ) from None
        self.ours = tflm.Model(model, flags=tflm.KEEP_ALL if keep_all else 0)
        config = runtime.InterpreterConfig
        kind = config.kPreserveAllTensors if keep_all else config.kAllocationRecording
        try:
            self.reference = runtime.Interpreter.from_bytes(
                model, arena_size=ARENA_BYTES, intrepreter_config=kind
            )
        except RuntimeError as error:
            raise VerifyError(f"TensorFlow Lite Micro refuses the model: {error}") from None

    def invoke(self, inputs: list[npt.NDArray[Any]]) -> None:
        for i, data in enumerate(inputs):
            self.ours.set_input(i, data.tobytes())
            self.reference.set_input(data, i)
        self.ours.invoke()
        self.reference.invoke()

    def same(self) -> bool:
        count = len(self.ours.outputs)
        return not any(
            differs(self.reference.get_output(i), self.ours.output(i)) for i in range(count)
        )


def _first_difference(model: bytes, samples: int) -> str:
    """Finds the first tensor, in order of computation, that differs if all are kept."""
    schema: Any = importlib.import_module(SCHEMA)
    main = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0)).subgraphs[0]
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    parsed = schema.Model.GetRootAs(model, 0)
    pair = _Pair(model, keep_all=True)
    rng = np.random.default_rng(0)
    for sample in range(samples):
        pair.invoke(_inputs(pair.ours.inputs, rng, sample))
        for i, operator in enumerate(main.operators):
            for index in map(int, operator.outputs if operator.outputs is not None else []):
                if main.tensors[index].type == RESOURCE:
                    continue
                given = pair.ours.tensor(index)
                expected = pair.reference.GetTensor(index, 0)["tensor_data"]
                if given is not None and differs(expected, given):
                    code = parsed.OperatorCodes(operator.opcodeIndex)
                    name = names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
                    tensor = (main.tensors[index].name or b"").decode(errors="replace")
                    return f"operator {i} {name} is the first that differs: tensor {index} {tensor}"
    return "no single layer differs: the memory plan is at fault"


def _keeping(model: bytes, tensors: list[int]) -> bytes:
    """Returns the model with these tensors as its outputs."""
    schema: Any = importlib.import_module(SCHEMA)
    builder = importlib.import_module("flatbuffers").Builder(len(model))
    changed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    changed.subgraphs[0].outputs = tensors
    changed.signatureDefs = None  # they name the outputs
    builder.Finish(changed.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _first_difference_on(board: str, model: bytes, inputs: list[list[npt.NDArray[Any]]]) -> str:
    """Finds the first operator whose output differs on a board, comparing a few outputs per run."""
    schema: Any = importlib.import_module(SCHEMA)
    main = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0)).subgraphs[0]
    parsed = schema.Model.GetRootAs(model, 0)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    made = [
        (i, operator, int(index))
        for i, operator in enumerate(main.operators)
        for index in (operator.outputs if operator.outputs is not None else [])
        if main.tensors[index].type != RESOURCE
    ]
    data = b"".join(array.tobytes() for sample in inputs for array in sample)
    for start in range(0, len(made), OUTPUTS_A_RUN):
        part = made[start : start + OUTPUTS_A_RUN]
        changed = _keeping(model, [index for _, _, index in part])
        got = inference.on(board, changed, data)
        pair = _Pair(changed, keep_all=False)
        at = 0
        for sample in inputs:
            pair.invoke(sample)
            for output, (i, operator, index) in enumerate(part):
                expected = pair.reference.get_output(output)
                if differs(expected, got[at : at + expected.nbytes]):
                    code = parsed.OperatorCodes(operator.opcodeIndex)
                    name = names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
                    tensor = (main.tensors[index].name or b"").decode(errors="replace")
                    return f"operator {i} {name} is the first that differs: tensor {index} {tensor}"
                at += expected.nbytes
    return "no single layer differs: the memory plan is at fault"


def _verify_on(board: str, model: bytes, samples: int) -> None:
    pair = _Pair(model, keep_all=False)
    rng = np.random.default_rng(0)
    inputs = [_inputs(pair.ours.inputs, rng, sample) for sample in range(samples)]
    data = b"".join(array.tobytes() for sample in inputs for array in sample)
    got = inference.on(board, model, data)
    at = 0
    for sample, given in enumerate(inputs):
        pair.invoke(given)
        for i in range(len(pair.ours.outputs)):
            expected = pair.reference.get_output(i)
            if differs(expected, got[at : at + expected.nbytes]):
                where = _first_difference_on(board, model, inputs[: sample + 1])
                raise VerifyError(f"sample {sample} differs on {board}; {where}")
            at += expected.nbytes


def verify(model: bytes, samples: int, board: str = inference.HOST) -> None:
    """Compares the outputs of successive inferences; state is kept between them.

    All bytes must be equal, except that float32 values may differ by FLOAT_TOLERANCE.

    Args:
        model: The bytes of a .tflite.
        samples: How many inferences.
        board: Where tflm runs.

    Raises:
        VerifyError: They differ, or the wheel is missing or refuses the model.
        tflm.ModelError: tflm refuses the model.
        WorkbenchError: The board cannot be built or emulated.
    """
    if board != inference.HOST:
        _verify_on(board, model, samples)
        return
    pair = _Pair(model, keep_all=False)
    rng = np.random.default_rng(0)
    for sample in range(samples):
        pair.invoke(_inputs(pair.ours.inputs, rng, sample))
        if not pair.same():
            raise VerifyError(f"sample {sample} differs; {_first_difference(model, sample + 1)}")
