# SPDX-License-Identifier: Apache-2.0
# Tests the module tflm with a model on a board. Usage: tflm_check.py MODEL. Prints JSON.

import gc
import json
import sys

import tflm


def refusal(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None


def allocated(call):
    call()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(10):
        call()
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken


def main(path):
    with open(path, "rb") as file:
        buf = file.read()
    size = tflm.arena_size(buf)
    arena = bytearray(size)
    model = tflm.Model(buf, arena)
    view, output = model.input(0), model.output(0)
    tail = view[-40:]
    said = {"ops": list(tflm.OPS), "arena_size": size, "arena_used": model.arena_used}
    said["model_ops"] = model.ops
    said["tensors"] = [
        [t.name, t.shape, t.dtype, t.scale, t.zero_point] for t in model.inputs + model.outputs
    ]
    # Views are the tensor itself, signed.
    tail[0] = -128
    tail[-1] = 127
    view[1:3] = [-1, 5]
    view[3:5] = b"\xfe\x05"
    said["view"] = [len(view), len(tail), view[len(view) - 40], view[-1], list(view[:5])]
    said["buffer"] = [memoryview(tail)[0], bytes(view[:5])[0]]

    def write():
        view[7] = -7

    def slices():
        while not model.step(1000):
            pass

    calls = (model.invoke, model.reset, write, lambda: view[7] + output[0], slices)
    said["allocated"] = [allocated(call) for call in calls]
    said["profile"] = [name for name, ticks in model.profile() if ticks >= 0]

    # A model in the middle of a larger buffer, on an odd address; an arena that is not aligned.
    shifted = memoryview(b"x" + buf)[1:]
    loose = memoryview(bytearray(size + 16))[1:]
    one, other = tflm.Model(shifted, loose), tflm.Model(buf)
    for k in range(20):
        for m in (one, other):
            into = m.input(0)
            for i in range(len(into)):
                into[i] = (i * 7 + k * 31) % 256 - 128
        one.invoke()
        while not other.step(500):
            pass
    said["same"] = bytes(one.output(0)) == bytes(other.output(0))

    growing = bytearray(size)
    moved = tflm.Model(buf, growing)

    def set_item(index, value):
        view[index] = value

    def set_slice(value):
        view[:] = value

    said["refusals"] = {
        "high": refusal(lambda: set_item(0, 128)),
        "low": refusal(lambda: set_item(0, -129)),
        "index": refusal(lambda: view[len(view)]),
        "length": refusal(lambda: set_slice(b"123")),
        "list": refusal(lambda: set_slice([1, 2])),
        "step": refusal(lambda: view[::2]),
        "no_input": refusal(lambda: model.input(1)),
        "macs": refusal(lambda: model.step(0)),
        "arena": refusal(lambda: tflm.Model(buf, bytearray(size - 1))),
        "no_arena": refusal(lambda: tflm.Model(buf, arena=bytearray(10))),
        "cut": refusal(lambda: tflm.Model(buf[:1000])),
        "empty": refusal(lambda: tflm.Model(b"")),
        "none": refusal(lambda: tflm.Model(None)),
        "attribute": refusal(lambda: setattr(model, "macs", 1)),
    }
    with model as same:
        same.invoke()
    said["closed"] = [
        refusal(model.invoke),
        refusal(lambda: view[0]),
        refusal(lambda: model.inputs),
        refusal(lambda: model.reset()),
    ]
    growing.extend(b"x" * 100000)
    moved.invoke()  # Longer is no harm: it is fetched again.
    into = moved.input(0)
    growing[size - 1 :] = b""
    content = bytearray(buf)
    cut = tflm.Model(content)
    content[len(buf) // 2 :] = b""
    said["shrunk"] = [
        refusal(moved.invoke),
        refusal(lambda: moved.step(100)),
        refusal(moved.reset),
        refusal(moved.profile),
        refusal(lambda: into[0]),
        refusal(lambda: bytes(into)),
        refusal(cut.invoke),
        refusal(lambda: cut.inputs),
        refusal(lambda: cut.output(0)),
        refusal(lambda: cut.ops),
    ]
    print(json.dumps(said))


main(sys.argv[1])
