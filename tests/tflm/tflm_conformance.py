# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of an operator with tflm and with TensorFlow Lite Micro, and compares them."""

import itertools
from dataclasses import dataclass

import numpy as np
import tflm_cases
import tflm_cases_recurrent
import tflm_oracle
from workbench.host import tflm

COUNT = 65
INVOKES = 2
STREAMING_INVOKES = 8  # Of operators that keep state.
TYPES = ("bool", "uint8", "int8", "int16", "int32", "float32")
# tflm runs these, but models of one operator cannot show them; test_tflm_models.py does.
ELSEWHERE = {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}


@dataclass(frozen=True)
class Comparison:
    """The results of an operator's cases, by their numbers.

    Attributes:
        both: Those that both run.
        different: Of these, those whose outputs differ.
        missing: Those that tflm alone refuses, with its reason.
        types: Of the first input, over those that are equal.
    """

    both: list[int]
    different: list[int]
    missing: dict[int, str]
    types: list[str]


def random_inputs(rng, tensor, i):
    """Returns the values of an input for invoke `i`."""
    if tensor.dtype == "float32":
        return rng.normal(0, 10, tensor.shape).astype(np.float32)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(np.bool_)
    if tensor.name.startswith("below "):
        return rng.integers(0, int(tensor.name[6:]), tensor.shape).astype(tensor.dtype)
    info = np.iinfo(tensor.dtype)
    if i % 2:
        return rng.choice([info.min, info.max, tensor.zero_point], tensor.shape).astype(
            tensor.dtype
        )
    return rng.integers(info.min, info.max + 1, tensor.shape).astype(tensor.dtype)


def same(model, expected, given):
    """Compares every byte, but float32 arithmetic only within 1e-5 (relative)."""
    if any(tensor.dtype != "float32" for tensor in tflm.tensors(model, outputs=True)):
        return expected == given
    a, b = np.frombuffer(expected, np.float32), np.frombuffer(given, np.float32)
    return np.allclose(b, a, rtol=1e-5, atol=1e-37, equal_nan=True)


def run(loaded, seed, invokes):
    """Returns the bytes of all outputs after each invoke; every other case runs in slices."""
    given = b""
    for inputs in invokes:
        for i, data in enumerate(inputs):
            loaded.set_input(i, data.tobytes())
        if seed % 2:
            loaded.invoke()
        else:  # Slices of as little as one row.
            while not loaded.step(1 + 20 * seed):
                pass
        given += b"".join(loaded.output(i) for i in range(len(loaded.outputs)))
    return given


def compare(name):
    """Runs the first COUNT cases of an operator."""
    rng = np.random.default_rng(8)
    cases, ours, refused, types = {}, {}, {}, {}
    count = STREAMING_INVOKES if name in tflm_cases_recurrent.CASES else INVOKES
    for seed in range(COUNT):
        model = tflm_cases.model(name, seed)
        tensors = tflm.tensors(model)
        types[seed] = tensors[0].dtype
        invokes = [[random_inputs(rng, tensor, i) for tensor in tensors] for i in range(count)]
        cases[seed] = model, invokes
        try:
            ours[seed] = run(tflm.Model(model, shift=seed % 4), seed, invokes)
        except tflm.ModelError as error:
            refused[seed] = str(error)
    answers = tflm_oracle.reference_answers(cases)
    both = [seed for seed, given in answers.items() if given is not None and seed in ours]
    different = [seed for seed in both if not same(cases[seed][0], answers[seed], ours[seed])]
    missing = {seed: reason for seed, reason in refused.items() if answers[seed] is not None}
    equal = sorted({types[seed] for seed in both if seed not in different}, key=TYPES.index)
    return Comparison(both, different, missing, equal)


def _here(model, invokes):
    """Computes on this machine what scripts/model_cases.py writes for a case."""
    try:
        loaded = tflm.Model(model)
    except tflm.ModelError as error:
        return str(error).encode()
    given = b""
    for inputs in invokes:
        for i, data in enumerate(inputs):
            loaded.set_input(i, data.tobytes())
        loaded.invoke()
        given += b"".join(loaded.output(i) for i in range(len(loaded.outputs)))
    return given


def with_inputs(models, invokes=INVOKES):
    """Returns, by the same keys, a model and the inputs of some invokes."""
    rng = np.random.default_rng(11)
    cases = {}
    for key, model in models.items():
        tensors = tflm.tensors(model)
        drawn = [[random_inputs(rng, tensor, i) for tensor in tensors] for i in range(invokes)]
        cases[key] = model, drawn
    return cases


def standard_input(cases):
    """Returns the standard input of scripts/model_cases.py for such cases."""
    stdin = []
    for model, invokes in cases.values():
        inputs = b"".join(data.tobytes() for invoke in invokes for data in invoke)
        stdin += [size.to_bytes(4, "little") for size in (len(model), len(inputs))]
        stdin += [model, inputs]
    return b"".join(stdin) + bytes(4)


def asked(names, count):
    """Returns standard input of scripts/model_cases.py for operators' cases, and its answers."""
    models = {
        (name, seed): tflm_cases.model(name, seed)
        for name, seed in itertools.product(names, range(count))
    }
    cases = with_inputs(models)
    return standard_input(cases), {key: _here(*case) for key, case in cases.items()}


def different(given, answers):
    """The cases of `asked` in which a board's answers differ; None where it wrote too much."""
    at, cases = 0, []
    for case, answer in answers.items():
        if given[at : at + len(answer)] != answer:
            cases.append(case)
        at += len(answer)
    return cases + [None] * (at < len(given))
