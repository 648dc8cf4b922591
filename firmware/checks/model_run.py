# SPDX-License-Identifier: Apache-2.0
# Runs on a board: model_run.py MODEL. Standard input holds the bytes of the inputs of one or more
# inferences; writes those of the outputs.

import sys

import tflm


def content(path):
    """A model in a ROMFS is used in place."""
    with open(path, "rb") as file:
        try:
            return memoryview(file)
        except TypeError:
            return file.read()


def main(path):
    model = tflm.Model(content(path))
    inputs = [model.input(i) for i in range(len(model.inputs))]
    outputs = [model.output(i) for i in range(len(model.outputs))]
    while True:
        for view in inputs:
            data = sys.stdin.buffer.read(len(bytes(view)))
            if not data:
                return
            view[:] = data
        model.invoke()
        for view in outputs:
            sys.stdout.buffer.write(view)


main(sys.argv[1])
