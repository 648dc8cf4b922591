// SPDX-License-Identifier: Apache-2.0
#include "dense.h"
#include "window.h"

// The windows run the other way: a convolution with them would make the input from the output.
typedef struct {
    uint32_t input, weights, output_place; // Places.
    tflm_window_t y, x;
    uint32_t depth; // Channels of the input.
    int32_t input_offset;
    tflm_output_t output;
} transpose_conv_t;

TFLM_PREPARE(transpose_conv) {
    TRY(tflm_expect(node, 3, 4, 1)); // Input 0 is the output's shape once more.
    fb_t *fb = &node->load->fb;
    tflm_tensor_t input, weights, output;
    TRY(tflm_get_input(node, 1, &weights));
    TRY(tflm_get_input(node, 2, &input));
    TRY(tflm_get_output(node, 0, &output));
    if (input.type != TFLM_INT8 || output.type != TFLM_INT8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s to %s", tflm_type_name(input.type),
                              tflm_type_name(output.type));
    }
    TRY(tflm_expect_quantized(node, &input));
    TRY(tflm_expect_quantized(node, &output));
    if (input.rank != 4 || weights.rank != 4 || output.rank != 4 ||
        input.dims[0] != output.dims[0] || weights.dims[0] != output.dims[3] ||
        weights.dims[3] != input.dims[3]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    uint32_t channels = (uint32_t)output.dims[3];
    tflm_window_t y = {.input = output.dims[1], .output = input.dims[1], .taps = weights.dims[1]};
    tflm_window_t x = {.input = output.dims[2], .output = input.dims[2], .taps = weights.dims[2]};
    uint8_t padding = fb_field_u8(fb, node->options, 0, 0);
    x.stride = fb_field_i32(fb, node->options, 1, 0);
    y.stride = fb_field_i32(fb, node->options, 2, 0);
    x.dilation = y.dilation = 1;
    TRY(tflm_window_init(node, &y, padding));
    TRY(tflm_window_init(node, &x, padding));
    if (fb_field_u8(fb, node->options, 3, 0) != TFLM_ACT_NONE) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation");
    }
    uint32_t bias_at;
    TRY(tflm_expect_weights(node, &weights, channels, 0));
    TRY(tflm_get_bias(node, 3, channels, &bias_at));
    node->rows = (uint32_t)(output.dims[0] * output.dims[1]);
    node->macs = (uint64_t)input.elements * (weights.elements / (uint32_t)input.dims[3]);
    node->cost = (8 * node->macs + 64 * (uint64_t)output.elements) / node->rows;
    transpose_conv_t *self =
        tflm_node_data(node, 3, sizeof *self + tflm_stage_bytes(channels, weights.scales));
    if (!self) {
        return TFLM_OK;
    }
    self->input = tflm_node_input(node, 2);
    self->weights = tflm_node_input(node, 1);
    self->output_place = tflm_node_output(node, 0);
    self->y = y;
    self->x = x;
    self->depth = (uint32_t)input.dims[3];
    self->input_offset = -input.zero_point;
    self->output.channels = channels;
    self->output.scales = weights.scales;
    self->output.low = -128;
    self->output.high = 127;
    return tflm_stage_init(node, &input, &weights, &output, bias_at, false, &self->output,
                           self + 1);
}

// Which input meets output `at` through tap `tap`; -1: none.
static int32_t source(const tflm_window_t *window, int32_t at, int32_t tap) {
    int32_t distance = at + window->padding - tap;
    if (distance < 0 || distance % window->stride || distance / window->stride >= window->output) {
        return -1;
    }
    return distance / window->stride;
}

TFLM_EVAL(transpose_conv) {
    const transpose_conv_t *self = data;
    tflm_stage_t stage = tflm_stage(&self->output, self + 1);
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    uint32_t channels = self->output.channels, depth = self->depth;
    int8_t *output =
        (int8_t *)tflm_at(run, self->output_place) + (size_t)from * (size_t)wx->input * channels;
    size_t filter_bytes = (size_t)wy->taps * (size_t)wx->taps * depth;
    for (uint32_t row = from; row < to; row++) {
        uint32_t batch = row / (uint32_t)wy->input;
        int32_t y = (int32_t)(row % (uint32_t)wy->input);
        for (int32_t x = 0; x < wx->input; x++) {
            for (uint32_t channel = 0; channel < channels; channel++) {
                uint32_t sum = (uint32_t)stage.bias[channel];
                const int8_t *w = weights + channel * filter_bytes;
                for (int32_t i = 0; i < wy->taps; i++) {
                    int32_t from_y = source(wy, y, i);
                    for (int32_t j = 0; j < wx->taps; j++, w += depth) {
                        int32_t from_x = source(wx, x, j);
                        if (from_y >= 0 && from_x >= 0) {
                            size_t at = ((size_t)batch * (size_t)wy->output + (size_t)from_y) *
                                            (size_t)wx->output +
                                        (size_t)from_x;
                            sum += tflm_dot1(input + at * depth, self->input_offset, w, depth);
                        }
                    }
                }
                *output++ = tflm_finish(&stage, channel, sum);
            }
        }
    }
}
