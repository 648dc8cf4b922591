# SPDX-License-Identifier: Apache-2.0
"""Compares random models that keep and move state with TensorFlow Lite Micro.

The memory plan differs from model to model: parts lie within wholes, variables within the tensors
assigned to them. Whatever the plan, no value may change before its last use.
"""

import numpy as np
import pytest
import tflm_build
import tflm_oracle
from workbench.host import tflm

MODELS = 400
INVOKES = 4
CHANNELS = 4
QUANTIZED = {"scale": 0.5, "zero_point": 3}


class Drawing:
    """A graph of variables and tensors of [rows, CHANNELS] that grows at random."""

    def __init__(self, rng):
        self.rng = rng
        self.graph = tflm_build.Graph()
        self.rows = {}  # Of each tensor so far.
        self.rows[self.graph.input([2, CHANNELS], **QUANTIZED)] = 2
        self.handles = {}  # Of variables, with their rows.
        self.assigned = set()
        for i in range(rng.integers(1, 4)):
            handle = self.graph.tensor([], "resource")
            self.graph.operator("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName=f"v{i}")
            self.handles[handle] = int(rng.integers(1, 5))

    def any(self, rows=None):
        found = [tensor for tensor, has in self.rows.items() if rows in (None, has)]
        # Half of the time the newest: then models are deep.
        return found[-1] if found and self.rng.random() < 0.5 else self.rng.choice(found or [-1])

    def tensor(self, rows):
        made = self.graph.tensor([rows, CHANNELS], **QUANTIZED)
        self.rows[made] = rows
        return made

    def read(self, handle=None):
        handle = handle or self.rng.choice(list(self.handles))
        value = self.tensor(self.handles[handle])
        self.graph.operator("READ_VARIABLE", [handle], [value], "ReadVariableOptions")

    def assign(self, handle=None):
        handle = handle or self.rng.choice(list(self.handles))
        if (value := self.any(self.handles[handle])) >= 0:
            self.graph.operator("ASSIGN_VARIABLE", [handle, value], [], "AssignVariableOptions")
            self.assigned.add(handle)

    def concatenate(self):
        parts = [self.any() for _ in range(self.rng.integers(1, 4))]
        whole = self.tensor(sum(self.rows[part] for part in parts))
        self.graph.operator("CONCATENATION", parts, [whole], "ConcatenationOptions", axis=0)

    def slice(self):
        whole = self.any()
        rows = int(self.rng.integers(1, self.rows[whole] + 1))
        first = int(self.rng.choice([0, self.rows[whole] - rows]))
        begin, size = (self.graph.constant(pair) for pair in ([first, 0], [rows, CHANNELS]))
        self.graph.operator("SLICE", [whole, begin, size], [self.tensor(rows)], "SliceOptions")

    def split(self):
        whole = self.any()
        rows = self.rows[whole]
        if rows > 1:
            first = int(self.rng.integers(1, rows))
            sizes, axis = self.graph.constant([first, rows - first]), self.graph.constant(0)
            parts = [self.tensor(first), self.tensor(rows - first)]
            self.graph.operator(
                "SPLIT_V", [whole, sizes, axis], parts, "SplitVOptions", numSplits=2
            )

    def reshape(self):
        whole = self.any()
        shape = self.graph.constant([self.rows[whole], CHANNELS])
        made = self.tensor(self.rows[whole])
        self.graph.operator("RESHAPE", [whole, shape], [made], "ReshapeOptions")

    def add(self):
        a = self.any()
        b = self.any(self.rows[a])
        self.graph.operator("ADD", [a, b], [self.tensor(self.rows[a])], "AddOptions")

    def pool(self):
        """Adds pooling that overwrites its input if that dies."""
        whole = self.any()
        rows = self.rows[whole]
        image, pooled = (self.graph.tensor([1, rows, 1, CHANNELS], **QUANTIZED) for _ in range(2))
        self.graph.operator(
            "RESHAPE",
            [whole, self.graph.constant([1, rows, 1, CHANNELS])],
            [image],
            "ReshapeOptions",
        )
        self.graph.operator(
            "AVERAGE_POOL_2D",
            [image],
            [pooled],
            "Pool2DOptions",
            padding=0,
            strideH=1,
            strideW=1,
            filterHeight=2,
            filterWidth=1,
        )
        self.graph.operator(
            "RESHAPE",
            [pooled, self.graph.constant([rows, CHANNELS])],
            [self.tensor(rows)],
            "ReshapeOptions",
        )

    def model(self):
        steps = [self.read, self.assign, self.concatenate, self.slice, self.split, self.reshape]
        steps += [self.add, self.pool, self.read, self.assign]
        for _ in range(self.rng.integers(4, 18)):
            self.rng.choice(steps)()
        for handle in set(self.handles) - self.assigned:
            self.read(handle)  # The wheel has no memory for variables that are never assigned.
            self.assign(handle)
        self.add()
        produced = list(self.rows)[1:]
        count = min(len(produced), int(self.rng.integers(1, 4)))
        self.graph._graph.outputs.extend(
            int(tensor) for tensor in self.rng.choice(produced, count, replace=False)
        )
        return self.graph.bytes()


def run(ours, reference, rng):
    """Whether an inference gives the same outputs, whole or in slices."""
    data = rng.integers(-128, 128, ours.inputs[0].shape).astype(np.int8)
    reference.set_input(data, 0)
    reference.invoke()
    ours.set_input(0, data.tobytes())
    if rng.random() < 0.5:
        ours.invoke()
    else:
        while not ours.step(3):
            pass
    return all(
        ours.output(i) == reference.get_output(i).tobytes() for i in range(len(ours.outputs))
    )


@pytest.mark.parametrize("part", range(4))
def test_state_lasts_and_nothing_else_does(part):
    rng = np.random.default_rng(part)
    spared = 0
    for number in range(part, MODELS, 4):
        model = Drawing(rng).model()
        ours = tflm.Model(model)
        reference = tflm_oracle.reference(model)
        for invoke in range(INVOKES):
            assert run(ours, reference, rng), f"model {number}, invoke {invoke}"
        copies = sum("VARIABLE" in name for name in ours.records())
        operators = tflm.operators(model)
        spared += operators["READ_VARIABLE"] + operators["ASSIGN_VARIABLE"] - copies
        ours.reset()
        again = tflm_oracle.reference(model)
        for invoke in range(INVOKES):
            assert run(ours, again, rng), f"model {number}, invoke {invoke} after reset"
    assert spared > MODELS / 4  # as many as there are models


def test_every_tensor_is_there_after_an_inference():
    """With KEEP_ALL, parts and wholes also keep the values that were computed for them."""
    rng = np.random.default_rng(9)
    for number in range(MODELS // 8):
        drawing = Drawing(rng)
        model = drawing.model()
        ours = tflm.Model(model, flags=tflm.KEEP_ALL)
        reference = tflm_oracle.reference(model, keep_all=True)
        for _invoke in range(INVOKES):
            assert run(ours, reference, rng)
            for tensor in list(drawing.rows)[1:]:
                given = reference.GetTensor(tensor, 0)["tensor_data"].tobytes()
                assert ours.tensor(tensor) == given, f"model {number}, tensor {tensor}"


def test_what_is_read_may_be_another_variables_value():
    """A read then cannot give the variable's own memory, which changes before the other's."""
    graph = tflm_build.Graph()
    given = graph.input([1, CHANNELS], **QUANTIZED)
    handles = [graph.tensor([], "resource") for _ in range(2)]
    for i, handle in enumerate(handles):
        graph.operator("VAR_HANDLE", [], [handle], "VarHandleOptions", sharedName=f"v{i}")
    values = [graph.tensor([1, CHANNELS], **QUANTIZED) for _ in range(2)]
    for handle, value in zip(handles, values, strict=True):
        graph.operator("READ_VARIABLE", [handle], [value], "ReadVariableOptions")
    graph.operator("ASSIGN_VARIABLE", [handles[0], values[1]], [], "AssignVariableOptions")
    graph.operator("ASSIGN_VARIABLE", [handles[1], given], [], "AssignVariableOptions")
    made = graph.output([1, CHANNELS], **QUANTIZED)
    graph.operator("ADD", [values[0], given], [made], "AddOptions")
    ours, reference = tflm.Model(graph.bytes()), tflm_oracle.reference(graph.bytes())
    rng = np.random.default_rng(1)
    for _ in range(INVOKES):
        assert run(ours, reference, rng)
