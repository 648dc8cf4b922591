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

// Describes input, weights and output.
static tflm_status_t get_tensors(tflm_node_t *node, tflm_tensor_t *t, uint32_t axis) {
    TRY(tflm_expect(node, 2, 3, 1));
    TRY(tflm_get_input(node, 0, &t[0]));
    TRY(tflm_get_input(node, 1, &t[1]));
    TRY(tflm_get_output(node, 0, &t[2]));
    if (t[0].type != TFLM_INT8 || t[2].type != TFLM_INT8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s to %s", tflm_type_name(t[0].type),
                              tflm_type_name(t[2].type));
    }
    TRY(tflm_expect_quantized(node, &t[0]));
    TRY(tflm_expect_quantized(node, &t[2]));
    t[1].type = TFLM_INT8; // But for how they lie in memory, the weights are as those are.
    return tflm_expect_weights(node, &t[1], (uint32_t)t[1].dims[axis], (int32_t)axis);
}

static tflm_status_t dense_new(tflm_node_t *node, const tflm_tensor_t *t, uint32_t channels,
                               unsigned activation, bool single_precision, dense_t **made) {
    uint32_t bias_at;
    TRY(tflm_get_bias(node, 2, channels, &bias_at));
    int32_t low, high;
    TRY(tflm_activation_range(node, fb_field_u8(&node->load->fb, node->options, activation, 0),
                              &t[2], &low, &high));
    dense_t *self = tflm_node_data(node, 3, sizeof *self + tflm_stage_bytes(channels, t[1].scales));
    *made = self;
    if (!self) {
        return TFLM_OK;
    }
    self->input = tflm_node_input(node, 0);
    self->weights = tflm_node_input(node, 1);
    self->output_place = tflm_node_output(node, 0);
    self->input_offset = -t[0].zero_point;
    self->output.channels = channels;
    self->output.scales = t[1].scales;
    self->output.low = low;
    self->output.high = high;
    return tflm_stage_init(node, &t[0], &t[1], &t[2], bias_at, single_precision, &self->output,
                           self + 1);
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

// The sum of n products (x + offset) * w with the weights from number `at` on.
static uint32_t dot(const view_t *view, const int8_t *x, size_t at, uint32_t n) {
    int32_t offset = view->self->input_offset;
    uint32_t sum = 0;
    for (; n; n--, at++) {
        uint8_t pair = view->weights[at / 2];
        int8_t top = (int8_t)(at % 2 ? pair : pair << 4);
        sum += (uint32_t)((*x++ + offset) * (top >> 4));
    }
    return sum;
}

static void finish(const view_t *view, uint32_t channel, size_t output, uint32_t sum) {
    sum += (uint32_t)view->stage.bias[channel];
    view->output[output] = tflm_finish(&view->stage, channel, sum);
}

TFLM_PREPARE(int4_fully_connected) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t, 0));
    uint32_t depth = (uint32_t)t[1].dims[1], units = (uint32_t)t[1].dims[0];
    uint32_t batches = t[1].rank == 2 ? t[0].elements / depth : 0;
    if (t[1].rank != 2 || batches * (uint64_t)depth != t[0].elements ||
        batches * (uint64_t)units != t[2].elements) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    node->rows = t[2].elements;
    node->macs = (uint64_t)t[2].elements * depth;
    dense_t *self;
    TRY(dense_new(node, t, units, 0, true, &self));
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
    TRY(get_tensors(node, t, depthwise ? 3 : 0));
    tflm_patches_t patches;
    TRY(tflm_patches_init(node, t, depthwise, &patches));
    dense_t *self;
    TRY(dense_new(node, t, patches.channels, depthwise ? 4 : 3, false, &self));
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
        size_t at = patch->weights + (size_t)i * patch->weight_row;
        for (int32_t j = 0; j < patch->columns; j++) {
            sum += dot(view, x, at, patch->run);
            x += patch->input_column;
            at += patch->weight_column;
        }
    }
    finish(view, channel, output, sum);
}

TFLM_EVAL(int4_conv) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    tflm_patches_walk(&self->patches, tflm_at(run, self->input), 1, from, to, each, &view);
}
