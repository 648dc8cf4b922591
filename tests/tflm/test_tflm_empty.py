# SPDX-License-Identifier: Apache-2.0
"""Tensors with a dimension of 0 are allowed, but no operator may use one."""

import numpy as np
import pytest
import tflm_build
import tflm_oracle
from workbench.host import tflm


def add(*, empty_shape, used=False):
    """A model that adds a tensor to itself, and also has an empty tensor."""
    graph = tflm_build.Graph()
    given = graph.input((1, 8), scale=0.5)
    empty = graph.tensor(empty_shape, scale=0.5)
    output = graph.output((1, 8), scale=0.5)
    if used:
        graph.operator("ADD", [given, given], [empty], "AddOptions")
    graph.operator("ADD", [given, given], [output], "AddOptions")
    return graph.bytes()


@pytest.mark.parametrize("shape", [(0,), (1, 0), (0, 5, 3)])
def test_one_that_nothing_uses_is_accepted(shape):
    model = add(empty_shape=shape)
    data = np.arange(-4, 4, dtype=np.int8)
    reference = tflm_oracle.reference(model)
    reference.set_input(data.reshape(1, 8), 0)
    reference.invoke()
    loaded = tflm.Model(model)
    loaded.set_input(0, data.tobytes())
    loaded.invoke()
    assert loaded.output(0) == reference.get_output(0).tobytes()


def test_an_operator_that_uses_one_is_refused():
    with pytest.raises(tflm.ModelError, match="operator 0 ADD: output 0 is empty"):
        tflm.Model(add(empty_shape=(1, 0), used=True))
