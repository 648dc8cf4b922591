// SPDX-License-Identifier: Apache-2.0
// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of int8 with int4 weights, two in a byte, which
// are read where they are. -DTFLM_WITHOUT_INT4 leaves them out.
#include "dense.h"
#include "patches.h"

typedef struct {
    uint32_t input, weights, output_place; // Places.
    uint32_t depth;                        // Of FULLY_CONNECTED.
    tflm_patches_t patches;                // Of the others.
    int32_t input_offset;
    tflm_output_t output;
} dense_t;

static tflm_status_t get_tensors(tflm_node_t *node, tflm_tensor_t *t) {
    TRY(tflm_get_tensors(node, "qa?q", t));
    t[1].type = TFLM_INT8; // But for how they lie in memory, the weights are as those are.
    return TFLM_OK;
}

static tflm_status_t dense_new(tflm_node_t *node, const tflm_tensor_t *t, int how,
                               unsigned activation, dense_t **self) {
    void *made;
    TRY(tflm_dense_new(node, t, how, activation, 3, sizeof(dense_t), &made));
    *self = made;
    if (made) {
        (*self)->input_offset = -t[0].zero_point;
    }
    return TFLM_OK;
}

// What an eval needs at hand.
typedef struct {
    const dense_t *self;
    tflm_stage_t stage;
    const uint8_t *weights;
    int8_t *output;
} view_t;

static view_t view_of(const tflm_run_t *run, const dense_t *self) {
    view_t view = {self, tflm_stage(&self->output, self + 1), tflm_at(run, self->weights),
                   (int8_t *)tflm_at(run, self->output_place)};
    return view;
}

// The weights in the low and in the high half of a byte.
static inline int32_t low(uint8_t pair) {
    return (int32_t)((uint32_t)pair << 28) >> 28;
}

static inline int32_t high(uint8_t pair) {
    return (int8_t)pair >> 4;
}

// The sum of n products (x + offset) * w with the weights from number `at` on.
static uint32_t dot(const view_t *view, const int8_t *x, size_t at, uint32_t n) {
    const uint8_t *w = view->weights + at / 2;
    int32_t offset = view->self->input_offset;
    uint32_t sum = 0;
    if (at % 2) {
        sum = (uint32_t)((*x++ + offset) * high(*w++));
        n--;
    }
    for (; n >= 2; n -= 2, x += 2, w++) {
        sum += (uint32_t)((x[0] + offset) * low(*w) + (x[1] + offset) * high(*w));
    }
    return n ? sum + (uint32_t)((*x + offset) * low(*w)) : sum;
}

static void finish(const view_t *view, uint32_t channel, size_t output, uint32_t sum) {
    sum += (uint32_t)view->stage.bias[channel];
    view->output[output] = tflm_finish(&view->stage, channel, sum);
}

TFLM_PREPARE(int4_fully_connected) {
    tflm_tensor_t t[3];
    uint32_t depth;
    TRY(get_tensors(node, t));
    TRY(tflm_get_depth(node, t, &depth));
    node->cost = 64 + 6 * (uint64_t)depth;
    dense_t *self;
    TRY(dense_new(node, t, TFLM_SINGLE_PRECISION, 0, &self));
    if (self) {
        self->depth = depth;
    }
    return TFLM_OK;
}

TFLM_EVAL(int4_fully_connected) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    uint32_t depth = self->depth, units = self->output.channels;
    for (uint32_t row = from; row < to; row++) {
        uint32_t unit = row % units;
        const int8_t *x = input + (size_t)(row / units) * depth;
        finish(&view, unit, row, dot(&view, x, (size_t)unit * depth, depth));
    }
}

static tflm_status_t conv_prepare(tflm_node_t *node, bool depthwise) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t));
    tflm_patches_t patches;
    TRY(tflm_patches_init(node, t, depthwise, &patches));
    uint64_t taps = (uint64_t)patches.y.taps * (uint64_t)patches.x.taps;
    tflm_patches_set_cost(node, &patches, taps, &t[2]);
    dense_t *self;
    TRY(dense_new(node, t, depthwise ? TFLM_LAST_AXIS : 0, depthwise ? 4 : 3, &self));
    if (self) {
        self->patches = patches;
    }
    return TFLM_OK;
}

TFLM_PREPARE(int4_conv) {
    return conv_prepare(node, false);
}

TFLM_PREPARE(int4_depthwise_conv) {
    return conv_prepare(node, true);
}

static void each(void *context, const tflm_patch_t *patch, uint32_t channel, size_t output) {
    const view_t *view = context;
    uint32_t sum = 0;
    for (int32_t i = 0; i < patch->rows; i++) {
        const int8_t *x = (const int8_t *)patch->input + i * patch->input_row;
        size_t at = patch->weights + (size_t)i * (size_t)patch->weight_row;
        for (int32_t j = 0; j < patch->columns; j++) {
            sum += dot(view, x, at, patch->run);
            x += patch->input_column;
            at += (size_t)patch->weight_column;
        }
    }
    finish(view, channel, output, sum);
}

TFLM_EVAL(int4_conv) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    tflm_patches_walk(&self->patches, tflm_at(run, self->input), 1, from, to, each, &view);
}
