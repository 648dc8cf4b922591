# SPDX-License-Identifier: Apache-2.0
"""Builds small .tflite models with the schema's Python classes from the tflite-micro wheel."""

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.bool_): schema.TensorType.BOOL,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int8): schema.TensorType.INT8,
}
# Types that numpy lacks.
NAMED = {"resource": schema.TensorType.RESOURCE, "int4": schema.TensorType.INT4}


def raw(data, dtype):
    """The bytes of an array."""
    return np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)


def packed(data):
    """Two numbers from -8 to 7 in a byte, the first in its low half."""
    nibbles = np.append(np.ravel(data), [0] * (np.size(data) % 2)).astype(np.uint8) & 15
    return nibbles[::2] | nibbles[1::2] << 4


class Graph:
    """A model of one subgraph that grows tensor by tensor and operator by operator."""

    def __init__(self):
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.description = "made by tflm_build.py"
        self._model.operatorCodes = []
        self._model.buffers = [schema.BufferT()]
        self._graph = schema.SubGraphT()
        self._graph.name = "main"
        self._graph.tensors = []
        self._graph.operators = []
        self._graph.inputs = []
        self._graph.outputs = []
        self._model.subgraphs = [self._graph]

    def tensor(
        self, shape, dtype=np.int8, scale=None, zero_point=0, *, data=None, axis=0, var=False
    ):
        """Adds a tensor and returns its number. `scale` may be a list, one for each channel."""
        tensor = schema.TensorT()
        tensor.name = f"t{len(self._graph.tensors)}"
        tensor.shape = list(shape)
        tensor.type = NAMED.get(dtype) or TYPES[np.dtype(dtype)]
        tensor.buffer = 0
        tensor.isVariable = var
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = packed(data) if dtype == "int4" else raw(data, dtype)
            tensor.buffer = len(self._model.buffers)
            self._model.buffers.append(buffer)
        if scale is not None:
            scales = [scale] if np.isscalar(scale) else list(scale)
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(value) for value in scales]
            tensor.quantization.zeroPoint = [int(zero_point)] * len(scales)
            tensor.quantization.quantizedDimension = axis
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def constant(self, values, dtype=np.int32, **arguments):
        """Adds a constant tensor of the shape of `values`."""
        values = np.asarray(values, dtype)
        return self.tensor(values.shape, dtype, data=values, **arguments)

    def input(self, *arguments, below=None, **keywords):
        """Adds a tensor that the model takes; `below` is for indices, and goes into its name."""
        self._graph.inputs.append(self.tensor(*arguments, **keywords))
        if below:
            self._graph.tensors[-1].name = f"below {below}"
        return self._graph.inputs[-1]

    def output(self, *arguments, **keywords):
        """Adds a tensor that the model gives."""
        self._graph.outputs.append(self.tensor(*arguments, **keywords))
        return self._graph.outputs[-1]

    def operator(self, name, inputs, outputs, options=None, version=1, **fields):
        """Adds an operator; `options` names the table of its options, which has `fields`."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes)
        self._model.operatorCodes.append(code)
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, options + "T")()
            for field, value in fields.items():
                assert hasattr(operator.builtinOptions, field), field
                setattr(operator.builtinOptions, field, value)
        self._graph.operators.append(operator)

    def bytes(self):
        """The .tflite."""
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
