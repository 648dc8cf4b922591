# SPDX-License-Identifier: Apache-2.0
"""Compares kernels for Helium and Arm's DSP extension with the portable ones, byte for byte.

test_tflm_ops.py compares the portable ones with TensorFlow Lite Micro, on the same models.
"""

import pytest
import tflm_cases_large
import tflm_conformance
import tflm_oracle
from board_scripts import SCRIPTS
from workbench.runners.cortexm import CortexM

# Operators for which one of these cores has its own kernels.
OPERATORS = (
    "AVERAGE_POOL_2D",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "MAX_POOL_2D",
    "SVDF",
    "TRANSPOSE_CONV",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
)
COUNT = 65


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("board", ["corstone300", "mps2_an386"])
def test_cases_give_the_same_bytes(board, operator):
    asked, answers = tflm_conformance.asked([operator], COUNT)
    given = CortexM(board).run(SCRIPTS / "model_cases.py", stdin=asked)
    assert tflm_conformance.different(given, answers) == []


@pytest.mark.parametrize("board", ["corstone300", "mps2_an386"])
def test_large_layers_give_the_bytes_of_tensorflow_lite_micro(board):
    cases = tflm_conformance.with_inputs(tflm_cases_large.MODELS)
    asked = tflm_conformance.standard_input(cases)
    given = CortexM(board).run(SCRIPTS / "model_cases.py", stdin=asked)
    answers = tflm_oracle.reference_answers(cases)
    assert tflm_conformance.different(given, answers) == []
