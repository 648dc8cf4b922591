# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite Micro, as the tflite-micro wheel has it, beside tflm; and models for both."""

import os
from pathlib import Path

import numpy as np
import pytest
from workbench import hosttflm, zoo

WAKE_WORDS = ("okay_nabu", "hey_jarvis", "alexa", "hey_mycroft")
OTHERS = ("kws_ref_model", "micro_speech_quantized", "person_detect")
MIRROR = Path(os.environ.get("GLINT_MIRROR") or Path(__file__).parents[2] / "shared" / "models")
ARENA_BYTES = 1 << 20


def load(name):
    """The bytes of a model of the zoo; skips where it cannot be had without internet."""
    if name in WAKE_WORDS:
        pytest.importorskip("pymicro_wakeword", reason="pymicro-wakeword is not installed")
        return zoo.find(name).read_bytes()
    path = MIRROR / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no {path}: set GLINT_MIRROR to a folder that holds {name}.tflite")
    return path.read_bytes()


def reference(model, *, keep_all=False):
    """The wheel's interpreter; with `keep_all`, its GetTensor works after an invoke."""
    runtime = pytest.importorskip("tflite_micro", reason="tflite-micro is not installed").runtime
    config = runtime.InterpreterConfig
    return runtime.Interpreter.from_bytes(
        model,
        arena_size=ARENA_BYTES,
        intrepreter_config=config.kPreserveAllTensors if keep_all else config.kAllocationRecording,
    )


def parse(model):
    """The model as the schema's Python classes."""
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))


def read_variable_tensors(model):
    """For each variable, in the order of the handles, the tensor that its value is read into."""
    main = parse(model).subgraphs[0]
    codes = parse(model).operatorCodes
    handles, values = {}, {}
    for operator in main.operators:
        code = codes[operator.opcodeIndex].builtinCode
        if code == 142:  # VAR_HANDLE
            handles[operator.outputs[0]] = len(handles)
        if code == 143:  # READ_VARIABLE
            values[handles[operator.inputs[0]]] = int(operator.outputs[0])
    return [values[i] for i in range(len(handles))]


def random_input(rng, tensor, i):
    """Inputs that take turns: all values, values near the bottom, one value everywhere."""
    kind = i % 3
    if kind == 0:
        return rng.integers(-128, 128, tensor.shape).astype(np.int8)
    if kind == 1:
        return np.clip(rng.normal(-100, 30, tensor.shape), -128, 127).astype(np.int8)
    return np.full(tensor.shape, rng.integers(-128, 128), np.int8)


def tflm(model, **arguments):
    """Our runtime with a model loaded."""
    return hosttflm.Model(model, **arguments)
