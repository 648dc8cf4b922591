// SPDX-License-Identifier: Apache-2.0
// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of float32.
#include "float32.h"
#include "window.h"

enum { ELEMENT = sizeof(float) };

typedef struct {
    uint32_t input, weights, bias, output; // Places; bias may be none.
    tflm_window_t y, x;
    uint32_t depth;       // Channels of the input.
    uint32_t group_depth; // Of these, what one filter sees.
    uint32_t channels;
    tflm_float_range_t range;
} dense_t;

// Describes input, weights and output; checks their types and the bias.
static tflm_status_t get_tensors(tflm_node_t *node, tflm_tensor_t *tensors) {
    TRY(tflm_expect(node, 2, 3, 1));
    TRY(tflm_get_input(node, 0, &tensors[0]));
    TRY(tflm_get_input(node, 1, &tensors[1]));
    TRY(tflm_get_output(node, 0, &tensors[2]));
    return tflm_expect_float32(node, tensors, 3);
}

static tflm_status_t check_bias(tflm_node_t *node, uint32_t channels) {
    if (tflm_node_input(node, 2) == TFLM_NO_TENSOR) {
        return TFLM_OK;
    }
    tflm_tensor_t bias;
    TRY(tflm_get_input(node, 2, &bias));
    TRY(tflm_expect_float32(node, &bias, 1));
    if (bias.elements != channels) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u biases for %u channels", bias.elements,
                              channels);
    }
    return TFLM_OK;
}

static dense_t *dense_new(tflm_node_t *node, uint32_t channels) {
    dense_t *self = tflm_node_data(node, 4, sizeof *self);
    if (self) {
        self->input = tflm_node_input(node, 0);
        self->weights = tflm_node_input(node, 1);
        self->bias = tflm_node_input(node, 2);
        self->output = tflm_node_output(node, 0);
        self->channels = channels;
    }
    return self;
}

// sum, finished, into a channel of the output at `to`.
static void finish(const dense_t *self, const uint8_t *bias, uint32_t channel, float sum,
                   float *to) {
    if (bias) {
        sum += tflm_load_f32(bias + (size_t)channel * ELEMENT);
    }
    to[channel] = tflm_clamp_f32(sum, self->range);
}

static const uint8_t *bias_of(const tflm_run_t *run, const dense_t *self) {
    return self->bias == TFLM_PLACE_NONE ? NULL : tflm_at(run, self->bias);
}

TFLM_PREPARE(float_fully_connected) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t));
    uint32_t depth = t[1].rank ? (uint32_t)t[1].dims[t[1].rank - 1] : 1;
    uint32_t units = t[1].elements / depth, batches = t[0].elements / depth;
    if (t[1].rank != 2 || batches * (uint64_t)depth != t[0].elements ||
        batches * (uint64_t)units != t[2].elements) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    TRY(check_bias(node, units));
    tflm_float_range_t range;
    TRY(tflm_float_range(node, fb_field_u8(&node->load->fb, node->options, 0, 0), &range));
    node->rows = t[2].elements;
    node->macs = (uint64_t)t[2].elements * depth;
    dense_t *self = dense_new(node, units);
    if (self) {
        self->depth = depth;
        self->range = range;
    }
    return TFLM_OK;
}

TFLM_EVAL(float_fully_connected) {
    const dense_t *self = data;
    const uint8_t *bias = bias_of(run, self);
    size_t line = (size_t)self->depth * ELEMENT;
    for (uint32_t row = from; row < to; row++) {
        uint32_t batch = row / self->channels, unit = row % self->channels;
        const uint8_t *x = tflm_at(run, self->input) + batch * line;
        const uint8_t *w = tflm_at(run, self->weights) + unit * line;
        float *output = (float *)(void *)tflm_at(run, self->output);
        finish(self, bias, unit, tflm_dot_f32(x, ELEMENT, w, ELEMENT, self->depth, 0),
               output + (size_t)batch * self->channels);
    }
}

// For both convolutions: `options` is the number of the first field with a dilation, the activation
// comes before it.
static tflm_status_t conv_prepare(tflm_node_t *node, const tflm_tensor_t *t, unsigned options,
                                  uint32_t group_depth) {
    fb_t *fb = &node->load->fb;
    uint32_t channels = (uint32_t)t[2].dims[3];
    tflm_window_t y = {.input = t[0].dims[1], .output = t[2].dims[1], .taps = t[1].dims[1]};
    tflm_window_t x = {.input = t[0].dims[2], .output = t[2].dims[2], .taps = t[1].dims[2]};
    uint8_t padding = fb_field_u8(fb, node->options, 0, 0);
    x.stride = fb_field_i32(fb, node->options, 1, 0);
    y.stride = fb_field_i32(fb, node->options, 2, 0);
    x.dilation = fb_field_i32(fb, node->options, options, 1);
    y.dilation = fb_field_i32(fb, node->options, options + 1, 1);
    TRY(tflm_window_init(node, &y, padding));
    TRY(tflm_window_init(node, &x, padding));
    TRY(check_bias(node, channels));
    tflm_float_range_t range;
    TRY(tflm_float_range(node, fb_field_u8(fb, node->options, options - 1, 0), &range));
    tflm_window_overlap(node, &y, t[0].dims[0], t[0].bytes / (uint32_t)t[0].dims[1],
                        t[2].bytes / (uint32_t)t[2].dims[1]);
    node->rows = (uint32_t)(t[2].dims[0] * t[2].dims[1]);
    node->macs = (uint64_t)t[2].elements * (t[1].elements / channels);
    dense_t *self = dense_new(node, channels);
    if (self) {
        self->y = y;
        self->x = x;
        self->depth = (uint32_t)t[0].dims[3];
        self->group_depth = group_depth;
        self->range = range;
    }
    return TFLM_OK;
}

TFLM_PREPARE(float_conv) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t));
    if (t[0].rank != 4 || t[1].rank != 4 || t[2].rank != 4 || t[0].dims[0] != t[2].dims[0] ||
        t[1].dims[0] != t[2].dims[3] || t[0].dims[3] % t[1].dims[3] ||
        t[2].dims[3] % (t[0].dims[3] / t[1].dims[3])) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    return conv_prepare(node, t, 4, (uint32_t)t[1].dims[3]);
}

TFLM_PREPARE(float_depthwise_conv) {
    tflm_tensor_t t[3];
    TRY(get_tensors(node, t));
    if (t[0].rank != 4 || t[1].rank != 4 || t[2].rank != 4 || t[0].dims[0] != t[2].dims[0] ||
        t[1].dims[0] != 1 || t[1].dims[3] != t[2].dims[3] || t[2].dims[3] % t[0].dims[3]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    return conv_prepare(node, t, 5, 1);
}

// Sums up the taps of one filter that meet the input. Steps are in bytes.
typedef struct {
    const uint8_t *input, *weights; // At the first tap that does.
    int32_t rows, columns;
    uint32_t run; // Products of one tap.
    ptrdiff_t input_row, input_column, weight_row, weight_column;
} patch_t;

static float patch_dot(const patch_t *patch) {
    float sum = 0;
    for (int32_t i = 0; i < patch->rows; i++) {
        const uint8_t *x = patch->input + i * patch->input_row;
        const uint8_t *w = patch->weights + i * patch->weight_row;
        if (patch->run == 1) {
            sum = tflm_dot_f32(x, (size_t)patch->input_column, w, (size_t)patch->weight_column,
                               (uint32_t)patch->columns, sum);
            continue;
        }
        for (int32_t j = 0; j < patch->columns; j++) {
            sum = tflm_dot_f32(x, ELEMENT, w, ELEMENT, patch->run, sum);
            x += patch->input_column;
            w += patch->weight_column;
        }
    }
    return sum;
}

static void conv_eval(const tflm_run_t *run, const dense_t *self, uint32_t from, uint32_t to,
                      bool depthwise) {
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    ptrdiff_t depth = (ptrdiff_t)self->depth * ELEMENT;
    ptrdiff_t group_depth = (ptrdiff_t)self->group_depth * ELEMENT;
    uint32_t channels = self->channels;
    uint32_t group_channels = channels / (self->depth / self->group_depth);
    const uint8_t *bias = bias_of(run, self);
    float *output =
        (float *)(void *)tflm_at(run, self->output) + (size_t)from * (size_t)wx->output * channels;
    patch_t patch = {.run = self->group_depth};
    // Wraps around only where there is one row.
    patch.input_row = (ptrdiff_t)((size_t)wy->dilation * (size_t)wx->input * (size_t)depth);
    patch.input_column = (ptrdiff_t)((size_t)wx->dilation * (size_t)depth);
    patch.weight_column = depthwise ? (ptrdiff_t)channels * ELEMENT : group_depth;
    patch.weight_row = wx->taps * patch.weight_column;
    size_t filter = depthwise ? ELEMENT : (size_t)(wy->taps * patch.weight_row);
    for (uint32_t row = from; row < to; row++) {
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input + y_from * wy->dilation;
        patch.rows = y_to - y_from;
        for (int32_t column = 0; column < wx->output; column++, output += channels) {
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            x += x_from * wx->dilation;
            patch.columns = x_to - x_from;
            const uint8_t *first =
                tflm_at(run, self->input) + ((ptrdiff_t)y * wx->input + x) * depth;
            const uint8_t *weights = tflm_at(run, self->weights) + y_from * patch.weight_row +
                                     x_from * patch.weight_column;
            for (uint32_t channel = 0; channel < channels; channel++) {
                patch.input = first + (ptrdiff_t)(channel / group_channels) * group_depth;
                patch.weights = weights + channel * filter;
                finish(self, bias, channel, patch_dot(&patch), output);
            }
        }
    }
}

TFLM_EVAL(float_conv) {
    conv_eval(run, data, from, to, false);
}

TFLM_EVAL(float_depthwise_conv) {
    conv_eval(run, data, from, to, true);
}
