# SPDX-License-Identifier: Apache-2.0
"""Whole models with random weights give the same as with TensorFlow Lite Micro."""

import numpy as np
import pytest
import tflm_networks
import tflm_oracle
from tflm_conformance import random_inputs
from workbench.host import tflm

INVOKES = 20


def differs(dtype, expected, given):
    if dtype != np.float32:
        return expected.tobytes() != given
    return not np.allclose(np.frombuffer(given, dtype), expected.ravel(), rtol=1e-5, atol=1e-7)


def first_difference(name, model, count):
    """Returns the first tensor that differs, in the order of computation, when all are kept."""
    ours = tflm.Model(model, flags=tflm.KEEP_ALL)
    reference = tflm_oracle.reference(model, keep_all=True)
    rng = np.random.default_rng(6)
    main = tflm_oracle.parse(model).subgraphs[0]
    for i in range(count):
        data = random_inputs(rng, ours.inputs[0], i)
        reference.set_input(data, 0)
        reference.invoke()
        ours.set_input(0, data.tobytes())
        ours.invoke()
        for number, operator in enumerate(main.operators):
            for index in map(int, operator.outputs):
                expected = reference.GetTensor(index, 0)["tensor_data"]
                given = ours.tensor(index)
                if given is not None and differs(expected.dtype, expected, given):
                    return f"invoke {i}: tensor {index}, of operator {number}, is the first"
    return f"invoke {count - 1}: no tensor differs when all are kept"


@pytest.mark.parametrize("name", tflm_networks.NETWORKS)
def test_network(name):
    model = tflm_networks.NETWORKS[name]()
    whole, sliced = tflm.Model(model), tflm.Model(model, shift=1)
    reference = tflm_oracle.reference(model)
    rng = np.random.default_rng(6)
    seen = set()
    for i in range(INVOKES):
        data = random_inputs(rng, whole.inputs[0], i)
        reference.set_input(data, 0)
        reference.invoke()
        expected = reference.get_output(0)
        for runs in (whole, sliced):
            runs.set_input(0, data.tobytes())
        whole.invoke()
        while not sliced.step(1 + 100 * i):
            pass
        if differs(expected.dtype, expected, whole.output(0)):
            pytest.fail(first_difference(name, model, i + 1))
        assert whole.output(0) == sliced.output(0), f"invoke {i}"
        seen.update(np.ravel(expected).tolist())
    assert len(seen) > 4  # Not all outputs were saturated.
