# SPDX-License-Identifier: Apache-2.0
"""Kernels for Helium and for Arm's DSP extension against the portable ones, byte for byte.

test_tflm_ops.py compares the portable ones with TensorFlow Lite Micro, on the same models.
"""

import numpy as np
import pytest
import tflm_cases
import tflm_conformance
from workbench import hosttflm, mcu

# Operators that one of these cores has kernels of its own for.
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
INVOKES = 2


def cases(operator):
    """Pairs of a model and the inputs of its inferences."""
    rng = np.random.default_rng(11)
    for seed in range(COUNT):
        model = tflm_cases.model(operator, seed)
        tensors = hosttflm.tensors(model)
        yield (
            model,
            [
                b"".join(
                    tflm_conformance.random_inputs(rng, tensor, i).tobytes() for tensor in tensors
                )
                for i in range(INVOKES)
            ],
        )


def here(model, invokes):
    """What the script of firmware/checks writes for a case."""
    try:
        loaded = hosttflm.Model(model)
    except hosttflm.ModelError as error:
        return str(error).encode()
    sizes = [
        np.dtype(tensor.dtype).itemsize * int(np.prod(tensor.shape)) for tensor in loaded.inputs
    ]
    result = b""
    for data in invokes:
        for i, size in enumerate(sizes):
            loaded.set_input(i, data[:size])
            data = data[size:]
        loaded.invoke()
        result += b"".join(loaded.output(i) for i in range(len(loaded.outputs)))
    return result


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("board", ["corstone300", "mps2_an386"])
def test_cases_give_the_same_bytes(board, operator):
    asked, expected = b"", []
    for model, invokes in cases(operator):
        inputs = b"".join(invokes)
        asked += len(model).to_bytes(4, "little") + len(inputs).to_bytes(4, "little")
        asked += model + inputs
        expected.append(here(model, invokes))
    given = mcu.run(board, "model_cases", stdin=asked + bytes(4))
    at, different = 0, []
    for seed, wanted in enumerate(expected):
        if given[at : at + len(wanted)] != wanted:
            different.append(seed)
        at += len(wanted)
    assert different == []
    assert at == len(given)
