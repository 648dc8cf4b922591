# SPDX-License-Identifier: Apache-2.0
# Times inferences in slices on a board. Usage: model_slices.py MAX_MACS MODEL... Runs two
# inferences of each model, which keeps state, whole and in slices. Prints as JSON, for each model,
# the clock cycles of each slice, and whether both ways gave the same outputs.

import json
import sys
import time

import tflm

RUNS = 2


PATTERN = 251  # Elements that an input repeats.
STEPS = {"bool": 1 / 128, "int16": 256, "int32": 1 << 16, "float32": 1 / 16}  # Of int8: 1.


def fill(model, salt):
    for i, tensor in enumerate(model.inputs):
        view = model.input(i)
        step = STEPS.get(tensor.dtype, 1)
        lowest = 0 if tensor.dtype in ("uint8", "bool") else 128
        count = min(PATTERN, len(view))
        for j in range(count):
            number = ((j + salt) * 37 % 256 - lowest) * step
            view[j] = number if tensor.dtype == "float32" else int(number)
        for j in range(count, len(view), count):
            count = min(count, len(view) - j)
            view[j : j + count] = view[:count]


def outputs_of(model):
    return [bytes(model.output(i)) for i in range(len(model.outputs))]


def whole(model):
    outputs = []
    for run in range(RUNS):
        fill(model, run)
        model.invoke()
        outputs += outputs_of(model)
    return outputs


def sliced(model, max_macs):
    """The outputs, and the cycles of each slice."""
    outputs, cycles = [], []
    for run in range(RUNS):
        fill(model, run)
        done = False
        while not done:
            start = time.ticks_cpu()
            done = model.step(max_macs)
            cycles.append(time.ticks_diff(time.ticks_cpu(), start))
        outputs += outputs_of(model)
    return outputs, cycles


def main(max_macs, paths):
    said = []
    for path in paths:
        with open(path, "rb") as file, tflm.Model(memoryview(file)) as model:  # in a ROMFS
            expected = whole(model)
            model.reset()
            outputs, cycles = sliced(model, max_macs)
            said.append({"cycles": cycles, "same": outputs == expected})
    print(json.dumps(said))


main(int(sys.argv[1]), sys.argv[2:])
