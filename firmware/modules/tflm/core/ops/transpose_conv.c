// SPDX-License-Identifier: Apache-2.0
#include "dense.h"
#include "patches.h"

typedef struct {
    uint32_t input, weights, output_place; // Places.
    tflm_patches_t patches;
    int32_t input_offset;
    tflm_output_t output;
} transpose_conv_t;

TFLM_PREPARE(transpose_conv) {
    tflm_tensor_t t[4]; // Input 0 is the output's shape once more.
    TRY(tflm_get_tensors(node, "aaq?q", t));
    t[0] = t[2];
    t[2] = t[3];
    tflm_patches_t patches;
    TRY(tflm_patches_init_transposed(node, t, &patches));
    void *made;
    TRY(tflm_dense_new(node, t, TFLM_LATE_BIAS, 3, 3, sizeof(transpose_conv_t), &made));
    transpose_conv_t *self = made;
    if (self) {
        self->input = tflm_node_input(node, 2);
        self->patches = patches;
        self->input_offset = -t[0].zero_point;
    }
    return TFLM_OK;
}

// What an eval needs at hand.
typedef struct {
    const transpose_conv_t *self;
    tflm_stage_t stage;
    const int8_t *weights;
    int8_t *output;
} view_t;

static void each(void *context, const tflm_patch_t *patch, uint32_t channel, size_t output) {
    const view_t *view = context;
    uint32_t sum = (uint32_t)view->stage.bias[channel];
    for (int32_t i = 0; i < patch->rows; i++) {
        const int8_t *x = (const int8_t *)patch->input + i * patch->input_row;
        const int8_t *w = view->weights + (patch->weights + (size_t)i * (size_t)patch->weight_row);
        for (int32_t j = 0; j < patch->columns; j++) {
            sum += tflm_dot1(x, view->self->input_offset, w, patch->run);
            x += patch->input_column;
            w += patch->weight_column;
        }
    }
    view->output[output] = tflm_finish(&view->stage, channel, sum);
}

TFLM_EVAL(transpose_conv) {
    const transpose_conv_t *self = data;
    view_t view = {self, tflm_stage(&self->output, self + 1),
                   (const int8_t *)tflm_at(run, self->weights),
                   (int8_t *)tflm_at(run, self->output_place)};
    tflm_patches_walk_transposed(&self->patches, tflm_at(run, self->input), 1, from, to, each,
                                 &view);
}
