# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator that moves or only renames elements."""

import numpy as np
from tflm_draw import movable, quantized, shape


def concatenation(rng, graph):
    dims = list(shape(rng))
    axis = int(rng.integers(len(dims)))
    same = movable(rng, np.int16, np.int32, np.float32)
    inputs, total = [], 0
    for _ in range(int(rng.integers(1, 5))):
        dims[axis] = int(rng.integers(1, 6))
        total += dims[axis]
        inputs.append(graph.input(dims, **same))
    dims[axis] = total
    y = graph.output(dims, **same)
    given = axis - len(dims) if rng.random() < 0.3 else axis
    graph.operator("CONCATENATION", inputs, [y], "ConcatenationOptions", axis=given)


def pack(rng, graph):
    dims = list(shape(rng, int(rng.integers(1, 4))))
    axis, count = int(rng.integers(len(dims) + 1)), int(rng.integers(1, 5))
    same = movable(rng, np.int16, np.int32, np.float32)
    inputs = [graph.input(dims, **same) for _ in range(count)]
    y = graph.output([*dims[:axis], count, *dims[axis:]], **same)
    graph.operator("PACK", inputs, [y], "PackOptions", axis=axis, valuesCount=count)


def unpack(rng, graph):
    dims = list(shape(rng, int(rng.integers(2, 5))))
    axis = int(rng.integers(len(dims)))
    same = movable(rng, np.int16, np.int32, np.float32)
    x = graph.input(dims, **same)
    rest = dims[:axis] + dims[axis + 1 :]
    outputs = [graph.output(rest, **same) for _ in range(dims[axis])]
    graph.operator("UNPACK", [x], outputs, "UnpackOptions", axis=axis, num=dims[axis])


def split(rng, graph):
    dims = list(shape(rng))
    axis, count = int(rng.integers(len(dims))), int(rng.integers(1, 4))
    part = list(dims)
    dims[axis] *= count
    same = movable(rng, np.int16, np.int32, np.float32)
    x = graph.input(dims, **same)
    outputs = [graph.output(part, **same) for _ in range(count)]
    graph.operator("SPLIT", [graph.constant(axis), x], outputs, "SplitOptions", numSplits=count)


def split_v(rng, graph):
    dims = list(shape(rng))
    axis = int(rng.integers(len(dims)))
    sizes = [int(size) for size in rng.integers(1, 5, int(rng.integers(1, 4)))]
    same = movable(rng, np.int16, np.int32, np.float32)
    dims[axis] = sum(sizes)
    x = graph.input(dims, **same)
    outputs = [graph.output([*dims[:axis], size, *dims[axis + 1 :]], **same) for size in sizes]
    inputs = [x, graph.constant(sizes), graph.constant(axis)]
    graph.operator("SPLIT_V", inputs, outputs, "SplitVOptions", numSplits=len(sizes))


def slice_(rng, graph):
    dims = shape(rng)
    begin = [int(rng.integers(size)) for size in dims]
    size = [int(rng.integers(1, n - b + 1)) for n, b in zip(dims, begin, strict=True)]
    given = [
        -1 if b + s == n and rng.random() < 0.5 else s
        for n, b, s in zip(dims, begin, size, strict=True)
    ]
    same = movable(rng, np.int16, np.int32, np.float32, np.bool_)
    x = graph.input(dims, **same)
    y = graph.output(size, **same)
    graph.operator("SLICE", [x, graph.constant(begin), graph.constant(given)], [y], "SliceOptions")


def strided_slice(rng, graph):
    dims = shape(rng)
    begin = [int(rng.integers(-n, n)) for n in dims]
    end = [int(rng.integers(-n, n + 1)) for n in dims]
    step = [int(rng.choice([1, 1, 2, -1, -2])) for _ in dims]
    masks = [int(rng.integers(1 << len(dims))) for _ in range(2)]
    shrink = int(rng.integers(1 << len(dims))) if rng.random() < 0.3 else 0
    cuts = []
    for i in range(len(dims)):
        if shrink >> i & 1:
            masks[0] &= ~(1 << i)
            step[i] = 1
            cuts.append(begin[i])
        else:
            cuts.append(
                slice(
                    None if masks[0] >> i & 1 else begin[i],
                    None if masks[1] >> i & 1 else end[i],
                    step[i],
                )
            )
    taken = np.zeros(dims)[tuple(cuts)].shape
    if 0 in taken:
        return strided_slice(rng, graph)
    same = movable(rng, np.int16, np.int32, np.float32, np.bool_)
    x = graph.input(dims, **same)
    y = graph.output(taken, **same)
    inputs = [x, graph.constant(begin), graph.constant(end), graph.constant(step)]
    fields = {"beginMask": masks[0], "endMask": masks[1], "shrinkAxisMask": shrink}
    graph.operator("STRIDED_SLICE", inputs, [y], "StridedSliceOptions", **fields)
    return None


def transpose(rng, graph):
    dims = shape(rng)
    order = [int(axis) for axis in rng.permutation(len(dims))]
    same = movable(rng, np.int16, np.float32)
    x = graph.input(dims, **same)
    y = graph.output([dims[axis] for axis in order], **same)
    graph.operator("TRANSPOSE", [x, graph.constant(order)], [y], "TransposeOptions")


def pad(name):
    def make(rng, graph):
        dims = shape(rng)
        amounts = rng.integers(0, 4, (len(dims), 2))
        same = movable(rng, np.int16, np.int32, np.float32)
        x = graph.input(dims, **same)
        y = graph.output([int(n + sum(a)) for n, a in zip(dims, amounts, strict=True)], **same)
        inputs = [x, graph.constant(amounts)]
        if name == "PADV2":
            value = [int(rng.integers(-128, 128))]
            inputs.append(graph.constant(value, **({"dtype": np.int8} | same)))
        graph.operator(name, inputs, [y], "PadV2Options" if name == "PADV2" else "PadOptions")

    return make


def reshape(name):
    def make(rng, graph):
        dims = list(shape(rng, int(rng.integers(1, 4))))
        same = movable(rng, np.int16, np.float32)
        if name == "EXPAND_DIMS":
            axis = int(rng.integers(len(dims) + 1))
            x = graph.input(dims, **same)
            y = graph.output([*dims[:axis], 1, *dims[axis:]], **same)
            graph.operator(name, [x, graph.constant(axis)], [y], "ExpandDimsOptions")
        elif name == "SQUEEZE":
            axis = int(rng.integers(len(dims) + 1))
            x = graph.input([*dims[:axis], 1, *dims[axis:]], **same)
            y = graph.output(dims, **same)
            graph.operator(name, [x], [y], "SqueezeOptions", squeezeDims=[axis])
        else:
            x = graph.input(dims, **same)
            new = [int(np.prod(dims))] if rng.random() < 0.5 else dims[::-1]
            y = graph.output(new, **same)
            graph.operator(name, [x, graph.constant(new)], [y], "ReshapeOptions", newShape=new)

    return make


def gather(rng, graph):
    dims = shape(rng)
    axis = int(rng.integers(len(dims)))
    batch = int(rng.integers(axis + 1)) if rng.random() < 0.3 else 0
    index = (*dims[:batch], *shape(rng, int(rng.integers(1, 3)), 4))
    dtype = np.float32 if rng.random() < 0.3 else np.int8
    same = quantized(rng) if dtype == np.int8 else {}
    x = graph.input(dims, dtype, **same)
    if rng.random() < 0.5:
        at = graph.constant(rng.integers(0, dims[axis], index))
    else:
        at = graph.input(index, np.int32, below=dims[axis])
    y = graph.output([*dims[:axis], *index[batch:], *dims[axis + 1 :]], dtype, **same)
    given = axis - len(dims) if rng.random() < 0.3 else axis
    graph.operator("GATHER", [x, at], [y], "GatherOptions", axis=given, batchDims=batch)


CASES = {
    "CONCATENATION": concatenation,
    "EXPAND_DIMS": reshape("EXPAND_DIMS"),
    "GATHER": gather,
    "PACK": pack,
    "PAD": pad("PAD"),
    "PADV2": pad("PADV2"),
    "RESHAPE": reshape("RESHAPE"),
    "SLICE": slice_,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SQUEEZE": reshape("SQUEEZE"),
    "STRIDED_SLICE": strided_slice,
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}
