# SPDX-License-Identifier: Apache-2.0
"""Compares each operator with TensorFlow Lite Micro, byte for byte, on random models."""

import numpy as np
import pytest
import tflm_build
import tflm_cases
import tflm_optable
from tflite_micro.python.tflite_micro import runtime
from tflm_conformance import COUNT, ELSEWHERE, compare
from workbench.host import tflm


@pytest.mark.parametrize("name", tflm_cases.CASES)
def test_operator(name):
    result = compare(name)
    assert not result.different, f"{len(result.different)} of {len(result.both)} differ"
    assert not result.missing
    assert len(result.both) >= 0.8 * COUNT
    current = tflm_optable.row(name, result) in tflm_optable.written()
    assert current, "the README is out of date: python tests/tflm/tflm_optable.py"


def test_every_operator_has_cases_and_a_row():
    assert set(tflm_optable.kernels()) - ELSEWHERE == set(tflm_cases.CASES)
    assert set(tflm.supported()) == {name.split()[0] for name in tflm_optable.kernels()}
    assert len(tflm_optable.written()) == len(tflm_optable.kernels())


def svdf(bias_scale):
    graph = tflm_build.Graph()
    inputs = [
        graph.input((1, 4), scale=0.05),
        graph.tensor((4, 4), scale=0.01, data=np.ones((4, 4))),
        graph.tensor((4, 3), scale=0.01, data=np.ones((4, 3))),
        graph.tensor((2,), np.int32, scale=bias_scale, data=[1, 2]),
        graph.tensor((1, 12), scale=0.001, var=True),
    ]
    output = graph.output((1, 2), scale=0.01)
    graph.operator("SVDF", inputs, [output], "SVDFOptions", rank=2)
    return graph.bytes()


def test_svdf_biases_are_of_the_scale_of_the_products():
    for bias_scale in (1e-5, 1.5e-5):
        tflm.Model(svdf(bias_scale))
        runtime.Interpreter.from_bytes(svdf(bias_scale))
    reason = r"^operator 0 SVDF: the bias's scale \(output t5\)$"
    with pytest.raises(tflm.ModelError, match=reason):
        tflm.Model(svdf(1e-4))
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(svdf(1e-4))
