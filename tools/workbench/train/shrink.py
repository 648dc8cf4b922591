# SPDX-License-Identifier: Apache-2.0
"""Removes from a .tflite file what interpreters do not need: names and the scales of biases.

A bias has the scale of its input times that of its weights, channel by channel; TensorFlow Lite
Micro and tflm use those two.
"""

from __future__ import annotations

import importlib
from typing import Any

SCHEMA = "tflite_micro.tensorflow.lite.micro.python.schema_py_generated"
FILE_IDENTIFIER = b"TFL3"
WITH_BIAS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
BIAS = 2


def shrunk(model: bytes) -> bytes:
    """Returns the same model in a smaller file."""
    import flatbuffers

    schema: Any = importlib.import_module(SCHEMA)
    parsed = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    codes = {getattr(schema.BuiltinOperator, name) for name in WITH_BIAS}
    for graph in parsed.subgraphs:
        for tensor in graph.tensors:
            tensor.name = None
        for operator in graph.operators:
            code = parsed.operatorCodes[operator.opcodeIndex].builtinCode
            if code in codes and len(operator.inputs) > BIAS and operator.inputs[BIAS] >= 0:
                graph.tensors[operator.inputs[BIAS]].quantization = None
    parsed.metadata = None
    parsed.signatureDefs = None
    builder = flatbuffers.Builder(len(model))
    builder.Finish(parsed.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())
