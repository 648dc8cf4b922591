# SPDX-License-Identifier: Apache-2.0
"""Runs TensorFlow Lite Micro, from the tflite-micro wheel, beside tflm; loads models for both."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from workbench.build import zoo

WAKE_WORDS = ("okay_nabu", "hey_jarvis", "alexa", "hey_mycroft")
OTHERS = ("kws_ref_model", "micro_speech_quantized", "person_detect")
MIRROR = Path(os.environ.get("GLINT_MIRROR") or Path(__file__).parents[3] / "shared" / "models")
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
    """Inputs that alternate: all values, values near the lowest, one value everywhere."""
    kind = i % 3
    if kind == 0:
        return rng.integers(-128, 128, tensor.shape).astype(np.int8)
    if kind == 1:
        return np.clip(rng.normal(-100, 30, tensor.shape), -128, 127).astype(np.int8)
    return np.full(tensor.shape, rng.integers(-128, 128), np.int8)


def _answer(model, invokes):
    runtime = reference(model)
    outputs = len(parse(model).subgraphs[0].outputs)
    given = b""
    for inputs in invokes:
        for i, data in enumerate(inputs):
            runtime.set_input(data, i)
        runtime.invoke()
        given += b"".join(runtime.get_output(i).tobytes() for i in range(outputs))
    return given


def _work(connection, todo):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # The wheel prints why it refuses.
    for key, (model, invokes) in todo:
        try:
            connection.send((key, _answer(model, invokes)))
        except Exception:
            connection.send((key, None))
    connection.close()


def reference_answers(cases):
    """Returns the wheel's outputs for models and the inputs of some invokes: None where it refuses.

    It runs in a process of its own, as it crashes on some malformed models: that gives None, too.

    Args:
        cases: By any key, a model and a list of invokes, each a list of inputs.
    """
    context = multiprocessing.get_context("fork")
    answers = {}
    while todo := [item for item in cases.items() if item[0] not in answers]:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(sender, todo))
        process.start()
        sender.close()
        begun = len(answers)
        try:
            while True:
                key, given = receiver.recv()
                answers[key] = given
        except EOFError:
            pass
        process.join()
        if process.exitcode:
            answers[todo[len(answers) - begun][0]] = None
    return answers
