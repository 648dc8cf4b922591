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
    tflm_tensor_t t[4]; // Input 0 is the output's shape once more.
    fb_t *fb = &node->load->fb;
    TRY(tflm_get_tensors(node, "aaq?q", t));
    t[0] = t[2];
    t[2] = t[3];
    const tflm_tensor_t *input = &t[0], *weights = &t[1], *output = &t[2];
    if (input->rank != 4 || weights->rank != 4 || output->rank != 4 ||
        input->dims[0] != output->dims[0] || weights->dims[0] != output->dims[3] ||
        weights->dims[3] != input->dims[3]) {
        return tflm_unfit(node);
    }
    tflm_window_t y, x;
    TRY(tflm_windows(node, output, input, weights, 0, &y, &x));
    if (fb_field_u8(fb, node->options, 3, 0) != TFLM_ACT_NONE) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation");
    }
    node->rows = (uint32_t)(output->dims[0] * output->dims[1]);
    node->macs = (uint64_t)input->elements * (weights->elements / (uint32_t)input->dims[3]);
    node->cost = (8 * node->macs + 64 * (uint64_t)output->elements) / node->rows;
    void *made;
    TRY(tflm_dense_new(node, t, TFLM_LATE_BIAS, 3, 3, sizeof(transpose_conv_t), &made));
    transpose_conv_t *self = made;
    if (self) {
        self->input = tflm_node_input(node, 2);
        self->y = y;
        self->x = x;
        self->depth = (uint32_t)input->dims[3];
        self->input_offset = -input->zero_point;
    }
    return TFLM_OK;
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
