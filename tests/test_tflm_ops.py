# SPDX-License-Identifier: Apache-2.0
"""Each operator against TensorFlow Lite Micro, byte for byte, on random models of one operator."""

import numpy as np
import pytest
import tflm_cases
import tflm_cases_recurrent
import tflm_oracle
from workbench import hosttflm

COUNT = 65
INVOKES = 2
STREAMING_INVOKES = 8  # Of operators that keep state.
# tflm runs these, but models of one operator cannot show them; test_tflm_models.py does.
ELSEWHERE = {"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}


def random_inputs(rng, tensor, i):
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
    """Every byte, but float32 arithmetic only within 1e-5 relative."""
    if any(tensor.dtype != "float32" for tensor in hosttflm.tensors(model, outputs=True)):
        return expected == given
    a, b = np.frombuffer(expected, np.float32), np.frombuffer(given, np.float32)
    return np.allclose(b, a, rtol=1e-5, atol=1e-37, equal_nan=True)


def compare(name, count):
    """The case numbers that differ, that both run, and that tflm alone refuses, with its reason."""
    rng = np.random.default_rng(8)
    cases, ours, refused = {}, {}, {}
    invoke_count = STREAMING_INVOKES if name in tflm_cases_recurrent.CASES else INVOKES
    for seed in range(count):
        model = tflm_cases.model(name, seed)
        tensors = hosttflm.tensors(model)
        invokes = [
            [random_inputs(rng, tensor, i) for tensor in tensors] for i in range(invoke_count)
        ]
        cases[seed] = model, invokes
        try:
            loaded = hosttflm.Model(model, shift=seed % 4)
        except hosttflm.ModelError as error:
            refused[seed] = str(error)
            continue
        ours[seed] = b""
        for inputs in invokes:
            for i, data in enumerate(inputs):
                loaded.set_input(i, data.tobytes())
            if seed % 2:
                loaded.invoke()
            else:  # In slices, down to a row each.
                while not loaded.step(1 + 20 * seed):
                    pass
            ours[seed] += b"".join(loaded.output(i) for i in range(len(loaded.outputs)))
    answers = tflm_oracle.reference_answers(cases)
    both = [seed for seed, given in answers.items() if given is not None and seed in ours]
    different = [seed for seed in both if not same(cases[seed][0], answers[seed], ours[seed])]
    missing = {seed: reason for seed, reason in refused.items() if answers[seed] is not None}
    return different, both, missing


@pytest.mark.parametrize("name", tflm_cases.CASES)
def test_operator(name):
    different, both, missing = compare(name, COUNT)
    assert not different, f"{len(different)} of {len(both)} differ"
    assert not missing
    assert len(both) >= 0.8 * COUNT


def test_every_operator_has_cases():
    assert set(hosttflm.supported()) - ELSEWHERE == {name.split()[0] for name in tflm_cases.CASES}
