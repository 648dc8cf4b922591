# SPDX-License-Identifier: Apache-2.0
# Runs on a board: model_bench.py MODEL. Prints what one inference takes, as JSON:
# cycles of the core's clock (the least of a few inferences), and each operator's microseconds.

import json
import sys
import time

import machine
import tflm

RUNS = 5


def content(path):
    """A model in a ROMFS is used in place."""
    with open(path, "rb") as file:
        try:
            return memoryview(file)
        except TypeError:
            return file.read()


def main(path):
    model = tflm.Model(content(path))
    least = None
    for _ in range(RUNS):
        start = time.ticks_cpu()
        model.invoke()
        cycles = time.ticks_diff(time.ticks_cpu(), start)
        least = cycles if least is None else min(least, cycles)
    result = {"cycles": least, "arena_bytes": model.arena_used, "macs": model.macs}
    result["cycles_per_us"] = machine.freq() // 1000000
    result["profile_us"] = model.profile()
    print(json.dumps(result))


main(sys.argv[1])
