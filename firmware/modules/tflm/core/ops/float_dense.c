// SPDX-License-Identifier: Apache-2.0
// CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED of float32.
#include "float32.h"
#include "patches.h"

enum { ELEMENT = sizeof(float) };

typedef struct {
    uint32_t input, weights, bias, output; // Places; there may be no bias.
    uint32_t depth, units;                 // Of FULLY_CONNECTED.
    tflm_patches_t patches;                // Of the others.
    tflm_float_range_t range;
} dense_t;

// Describes input, weights and output; checks their types and the bias.
static tflm_status_t get_tensors(tflm_node_t *node, tflm_tensor_t *tensors, uint32_t axis) {
    uint32_t transposed = node->kernel->flags / TFLM_LATE_INPUT;
    TRY(tflm_expect(node, 2 + transposed, 3 + transposed, 1));
    TRY(tflm_get_input(node, 2 * transposed, &tensors[0]));
    TRY(tflm_get_input(node, 1, &tensors[1]));
    TRY(tflm_get_output(node, 0, &tensors[2]));
    TRY(tflm_expect_float32(node, tensors, 3));
    if (tflm_node_input(node, 2 + transposed) == TFLM_NO_TENSOR) {
        return TFLM_OK;
    }
    tflm_tensor_t bias;
    TRY(tflm_get_input(node, 2 + transposed, &bias));
    TRY(tflm_expect_float32(node, &bias, 1));
    if (bias.elements != (uint32_t)tensors[1].dims[axis]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u biases", bias.elements);
    }
    return TFLM_OK;
}

static dense_t *dense_new(tflm_node_t *node, const tflm_float_range_t *range) {
    dense_t *self = tflm_node_data(node, 4, sizeof *self);
    if (self) {
        uint32_t transposed = node->kernel->flags / TFLM_LATE_INPUT;
        self->input = tflm_node_input(node, 2 * transposed);
        self->weights = tflm_node_input(node, 1);
        self->bias = tflm_node_input(node, 2 + transposed);
        self->output = tflm_node_output(node, 0);
        self->range = *range;
    }
    return self;
}

// What an eval needs.
typedef struct {
    const dense_t *self;
    const uint8_t *input, *weights, *bias;
    float *output;
} view_t;

static view_t view_of(const tflm_run_t *run, const dense_t *self) {
    view_t view = {self, tflm_at(run, self->input), tflm_at(run, self->weights), NULL,
                   (float *)(void *)tflm_at(run, self->output)};
    if (self->bias != TFLM_PLACE_NONE) {
        view.bias = tflm_at(run, self->bias);
    }
    return view;
}

static void finish(const view_t *view, uint32_t channel, size_t output, float sum) {
    if (view->bias) {
        sum += tflm_load_f32(view->bias + (size_t)channel * ELEMENT);
    }
    view->output[output] = tflm_clamp_f32(sum, view->self->range);
}

TFLM_PREPARE(float_fully_connected) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t, 0));
    uint32_t depth = (uint32_t)t[1].dims[1], units = (uint32_t)t[1].dims[0];
    uint32_t batches = t[1].rank == 2 ? t[0].elements / depth : 0;
    if (t[1].rank != 2 || batches * (uint64_t)depth != t[0].elements ||
        batches * (uint64_t)units != t[2].elements) {
        return tflm_unfit(node);
    }
    tflm_float_range_t range;
    TRY(tflm_float_range(node, fb_field_u8(&node->load->fb, node->options, 0, 0), &range));
    node->rows = t[2].elements;
    node->macs = (uint64_t)t[2].elements * depth;
    node->cost = 64 + 6 * (uint64_t)depth;
    dense_t *self = dense_new(node, &range);
    if (self) {
        self->depth = depth;
        self->units = units;
    }
    return TFLM_OK;
}

TFLM_EVAL(float_fully_connected) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    size_t line = (size_t)self->depth * ELEMENT;
    for (uint32_t row = from; row < to; row++) {
        uint32_t unit = row % self->units;
        const uint8_t *x = view.input + row / self->units * line;
        const uint8_t *w = view.weights + unit * line;
        finish(&view, unit, row, tflm_dot_f32(x, ELEMENT, w, ELEMENT, self->depth, 0));
    }
}

static tflm_status_t conv_prepare(tflm_node_t *node, bool depthwise) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t, depthwise ? 3 : 0));
    tflm_patches_t patches;
    TRY(tflm_patches_init(node, t, depthwise, &patches));
    uint64_t taps = (uint64_t)patches.y.taps * (uint64_t)patches.x.taps;
    tflm_patches_set_cost(node, &patches, taps, &t[2]);
    tflm_float_range_t range;
    uint8_t activation = fb_field_u8(&node->load->fb, node->options, depthwise ? 4 : 3, 0);
    TRY(tflm_float_range(node, activation, &range));
    dense_t *self = dense_new(node, &range);
    if (self) {
        self->patches = patches;
    }
    return TFLM_OK;
}

TFLM_PREPARE(float_conv) {
    return conv_prepare(node, false);
}

TFLM_PREPARE(float_depthwise_conv) {
    return conv_prepare(node, true);
}

static void each(void *context, const tflm_patch_t *patch, uint32_t channel, size_t output) {
    const view_t *view = context;
    float sum = 0;
    for (int32_t i = 0; i < patch->rows; i++) {
        const uint8_t *x = patch->input + i * patch->input_row;
        size_t at = patch->weights + (size_t)i * (size_t)patch->weight_row;
        const uint8_t *w = view->weights + at * ELEMENT;
        if (patch->run == 1) {
            sum = tflm_dot_f32(x, patch->input_column, w, patch->weight_column * ELEMENT,
                               (uint32_t)patch->columns, sum);
            continue;
        }
        for (int32_t j = 0; j < patch->columns; j++) {
            sum = tflm_dot_f32(x, ELEMENT, w, ELEMENT, patch->run, sum);
            x += patch->input_column;
            w += patch->weight_column * ELEMENT;
        }
    }
    finish(view, channel, output, sum);
}

TFLM_EVAL(float_conv) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    tflm_patches_walk(&self->patches, view.input, ELEMENT, from, to, 1, each, &view);
}

TFLM_PREPARE(float_transpose_conv) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t, 0));
    tflm_patches_t patches;
    TRY(tflm_patches_init_transposed(node, t, &patches));
    tflm_float_range_t range;
    TRY(tflm_float_range(node, TFLM_ACT_NONE, &range));
    dense_t *self = dense_new(node, &range);
    if (self) {
        self->patches = patches;
    }
    return TFLM_OK;
}

TFLM_EVAL(float_transpose_conv) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    tflm_patches_walk_transposed(&self->patches, view.input, ELEMENT, from, to, 1, each, &view);
}
