// SPDX-License-Identifier: Apache-2.0
// CONV_2D of int8.
#include "conv.h"

// The cost of a part, which cannot be interrupted: some 100,000 instructions on a Cortex-M4,
// 500,000 on Xtensa cores, which have a faster clock.
#ifdef TFLM_XTENSA
enum { PART_COST = 250000 };
#else
enum { PART_COST = 60000 };
#endif

// Returns into parts of how many positions a row is divided, at this cost of a position: multiples
// of TFLM_POSITIONS, which are computed together, where that is about right.
static int32_t columns_of_part(int32_t columns, uint64_t cost) {
    uint32_t most = cost > PART_COST ? 0 : PART_COST / (uint32_t)cost;
#ifndef TFLM_XTENSA
    if (most + 1 >= TFLM_POSITIONS) {
        most = (most + 1) / TFLM_POSITIONS * TFLM_POSITIONS;
    }
#endif
    return most > (uint32_t)columns ? columns : most ? (int32_t)most : 1;
}

// Returns a patch's size, with padding that aligns the biases behind it.
static uint32_t patch_bytes(uint32_t filter_bytes) {
    return (filter_bytes + 3) & ~3u;
}

TFLM_PREPARE(conv) {
    tflm_tensor_t t[3];
    tflm_patches_t patches;
    TRY(tflm_get_tensors(node, "qa?q", t));
    TRY(tflm_patches_init(node, t, false, &patches));
    uint32_t filter_bytes = t[1].elements / patches.channels;
    uint64_t cost = tflm_dense_cost(patches.channels, filter_bytes);
    int32_t columns = columns_of_part(patches.x.output, cost);
    node->rows *= (uint32_t)((patches.x.output + columns - 1) / columns);
    node->cost = (uint32_t)columns * cost;
    uint32_t fold_rows =
        tflm_fold_rows(node, patches.channels, filter_bytes, t[2].elements / patches.channels);
    bool in_place = tflm_patches_are_contiguous(&patches);
    uint64_t bytes = (in_place ? 0 : patch_bytes(filter_bytes)) +
                     (fold_rows ? patches.channels * (uint64_t)sizeof(int32_t) : 0);
    uint32_t patch = bytes ? tflm_scratch(node, bytes) : tflm_node_input(node, 0);
    void *made;
    TRY(tflm_dense_new(node, t, fold_rows ? 0 : TFLM_FOLD, 3, 5, sizeof(conv_t), &made));
    conv_t *self = made;
    if (self) {
        self->patch = patch;
        self->patches = patches;
        self->zero_point = t[0].zero_point;
        self->filter_bytes = filter_bytes;
        self->columns = columns;
        self->in_place = in_place;
        self->fold_rows = fold_rows;
    }
    return TFLM_OK;
}

TFLM_EVAL(conv) {
    const conv_t *self = data;
    const tflm_window_t *wx = &self->patches.x, *wy = &self->patches.y;
    uint32_t channels = self->output.channels, depth = self->patches.depth;
    size_t row_bytes = (size_t)wx->input * depth;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output = (int8_t *)tflm_at(run, self->output_place);
    uint32_t parts = (uint32_t)((wx->output + self->columns - 1) / self->columns);
#ifdef TFLM_DSP
    const uint32_t fold_rows = 0;
#else
    const uint32_t fold_rows = self->fold_rows;
#endif
    const uint32_t first = tflm_first_fold(data, fold_rows);
    tflm_conv_part_t part;
    part.self = self;
    part.stage = tflm_stage(run, &self->output, self->bias);
    part.weights = (const int8_t *)tflm_at(run, self->weights);
    part.patch = (int8_t *)tflm_at(run, self->patch);
    part.group_channels = channels / (depth / self->patches.group_depth);
#ifndef TFLM_DSP
    int32_t *folded =
        (int32_t *)(void *)(part.patch + (self->in_place ? 0 : patch_bytes(self->filter_bytes)));
    for (; from - first < fold_rows && from < to; from++) {
        tflm_fold_row(&part.stage, part.weights, self->filter_bytes, self->zero_point, channels,
                      from - first, fold_rows, folded);
    }
    if (fold_rows) {
        part.stage.bias = folded;
    }
#endif
    for (uint32_t next = from; next < to; next++) {
        uint32_t at = first ? next : next - fold_rows;
        uint32_t row = at / parts;
        uint32_t batch = row / (uint32_t)wy->output, y = row % (uint32_t)wy->output;
        int32_t x = (int32_t)(at % parts) * self->columns;
        part.y = (int32_t)y;
        part.x = x;
        part.end = wx->output - x < self->columns ? wx->output : x + self->columns;
        part.output = output + ((size_t)row * (size_t)wx->output + (size_t)x) * channels;
        part.input = input + (size_t)batch * (size_t)wy->input * row_bytes;
        part.met = part.input + y * (size_t)wy->stride * row_bytes +
                   (size_t)x * (size_t)wx->stride * depth;
        tflm_conv_part(&part);
    }
}
