// SPDX-License-Identifier: Apache-2.0
// TRANSPOSE_CONV of int8. First, each tap's bias is folded with the input's zero point, a row of
// work for each; then come the positions of the output.
#include "dense.h"
#include "patches.h"

typedef struct {
    uint32_t input, weights, folded, bias, output_place; // Places.
    tflm_patches_t patches;
    int32_t input_zero_point;
    tflm_output_t output;
} transpose_conv_t;

static uint32_t taps_of(const tflm_patches_t *patches) {
    return (uint32_t)(patches->y.taps * patches->x.taps);
}

TFLM_PREPARE(transpose_conv) {
    tflm_tensor_t t[4]; // Input 0 repeats the output's shape.
    TRY(tflm_get_tensors(node, "aaq?q", t));
    t[0] = t[2];
    t[2] = t[3];
    tflm_patches_t patches;
    TRY(tflm_patches_init_transposed(node, t, &patches));
    // A number for each channel of each tap.
    uint32_t folded = tflm_scratch(node, t[1].elements / patches.depth * 4ull);
    node->rows += taps_of(&patches);
    void *made;
    TRY(tflm_dense_new(node, t, TFLM_LATE_BIAS, 3, 5, sizeof(transpose_conv_t), &made));
    transpose_conv_t *self = made;
    if (self) {
        self->input = tflm_node_input(node, 2);
        self->folded = folded;
        self->patches = patches;
        self->input_zero_point = t[0].zero_point;
    }
    return TFLM_OK;
}

// What an eval needs.
typedef struct {
    const transpose_conv_t *self;
    tflm_stage_t stage;
    const int8_t *weights;
    int32_t *folded;
    int8_t *output;
} view_t;

static void fold(const view_t *view, uint32_t tap) {
    uint32_t depth = view->self->patches.depth, channels = view->self->patches.channels;
    uint32_t filter = taps_of(&view->self->patches) * depth;
    int32_t *folded = view->folded + (size_t)tap * channels;
    const int8_t *w = view->weights + (size_t)tap * depth;
    for (uint32_t channel = 0; channel < channels; channel++, w += filter) {
        uint32_t all = (uint32_t)view->self->input_zero_point * (uint32_t)tflm_sum_of(w, depth);
        int32_t room;
        uint32_t bias = (uint32_t)*tflm_biases(&view->stage, channel, 1, &room);
        folded[channel] = (int32_t)(bias - all);
    }
}

// Computes the channels of a position from `channel` on.
static void each(void *context, const tflm_patch_t *patch, uint32_t channel, size_t output) {
    const view_t *view = context;
    const tflm_patches_t *patches = &view->self->patches;
    uint32_t count = patches->channels - channel, filter = taps_of(patches) * patches->depth;
    count = count < TFLM_SUMS / 2 ? count : TFLM_SUMS / 2;
    int32_t sum[TFLM_SUMS / 2], part[TFLM_SUMS / 2], room[TFLM_SUMS / 2];
    tflm_stage_t stage = view->stage;
    const int32_t *bias = NULL;
    if (patch->rows * patch->columns > 1) { // Else there is one tap, or none.
        bias = tflm_biases(&stage, channel, count, room);
    }
    bool first = true;
    for (int32_t i = 0; i < patch->rows; i++) {
        const int8_t *x = (const int8_t *)patch->input + i * patch->input_row;
        size_t at = patch->weights + (size_t)i * (size_t)patch->weight_row;
        for (int32_t j = 0; j < patch->columns; j++, first = false) {
            size_t tap = (at - (size_t)channel * filter) / patches->depth;
            const int32_t *folded = view->folded + tap * patches->channels;
            tflm_dense(x, view->weights + at, patch->run, filter, count, first ? sum : part);
            if (first) { // Most positions have only one.
                stage.bias = folded;
            }
            for (uint32_t k = 0; !first && k < count; k++) {
                sum[k] = (int32_t)((uint32_t)sum[k] + (uint32_t)part[k] +
                                   (uint32_t)folded[channel + k] - (uint32_t)bias[k]);
            }
            x += patch->input_column;
            at += (size_t)patch->weight_column;
        }
    }
    for (uint32_t k = 0; first && k < count; k++) {
        sum[k] = 0;
    }
    tflm_finish_all(&stage, channel, count, count, sum, view->output + output);
}

TFLM_EVAL(transpose_conv) {
    const transpose_conv_t *self = data;
    view_t view = {self, tflm_stage(run, &self->output, self->bias),
                   (const int8_t *)tflm_at(run, self->weights),
                   (int32_t *)(void *)tflm_at(run, self->folded),
                   (int8_t *)tflm_at(run, self->output_place)};
    uint32_t taps = taps_of(&self->patches);
    for (; from < taps && from < to; from++) {
        fold(&view, from);
    }
    if (from < to) {
        tflm_patches_walk_transposed(&self->patches, tflm_at(run, self->input), 1, from - taps,
                                     to - taps, TFLM_SUMS / 2, each, &view);
    }
}
