# SPDX-License-Identifier: Apache-2.0
"""Each operator against TensorFlow Lite Micro, byte for byte, on random models of one operator."""

import pytest
import tflm_cases
import tflm_optable
from tflm_conformance import COUNT, ELSEWHERE, compare
from workbench import hosttflm


@pytest.mark.parametrize("name", tflm_cases.CASES)
def test_operator(name):
    result = compare(name)
    assert not result.different, f"{len(result.different)} of {len(result.both)} differ"
    assert not result.missing
    assert len(result.both) >= 0.8 * COUNT
    current = tflm_optable.row(name, result) in tflm_optable.written()
    assert current, "the README is out of date: python tests/tflm_optable.py"


def test_every_operator_has_cases_and_a_row():
    assert set(tflm_optable.kernels()) - ELSEWHERE == set(tflm_cases.CASES)
    assert set(hosttflm.supported()) == {name.split()[0] for name in tflm_optable.kernels()}
    assert len(tflm_optable.written()) == len(tflm_optable.kernels())
