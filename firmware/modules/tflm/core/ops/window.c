// SPDX-License-Identifier: Apache-2.0
// Prepares the windows of convolutions and pooling: stride, dilation and padding.
#include "window.h"

// Checks stride and dilation, and that `output` is the size that TensorFlow Lite computes; sets the
// padding. `padding` is as in the schema: 0 same, 1 valid.
static tflm_status_t window_init(tflm_node_t *node, tflm_window_t *window, uint8_t padding) {
    // This keeps positions within 32 bits, and steps within TensorFlow Lite's 16.
    const int32_t max = 1 << 20, max_step = INT16_MAX;
    int32_t stride = window->stride, dilation = window->dilation, taps = window->taps;
    if (stride < 1 || stride > max_step || dilation < 1 || dilation > max_step || taps < 1 ||
        window->input > max || taps - 1 > 2 * max_step / dilation) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "stride %d, dilation %d, %d taps", stride,
                              dilation, taps);
    }
    int32_t extent = (taps - 1) * dilation + 1;
    int32_t beyond = window->input - (padding ? extent : 1); // For the first position.
    int32_t output = beyond < 0 ? 0 : beyond / stride + 1;
    if (padding > 1 || output != window->output) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%d outputs along an axis, not %d",
                              window->output, output);
    }
    int32_t missing = (output - 1) * stride + extent - window->input;
    window->padding = missing > 0 ? missing / 2 : 0;
    window->dilation = taps > 1 ? dilation : 1;
    return TFLM_OK;
}

tflm_status_t tflm_windows(tflm_node_t *node, const tflm_tensor_t *input,
                           const tflm_tensor_t *output, const tflm_tensor_t *weights,
                           unsigned dilation, tflm_window_t *y, tflm_window_t *x) {
    fb_t *fb = &node->load->fb;
    if (input->rank != 4 || output->rank != 4 || input->dims[0] != output->dims[0]) {
        return tflm_unfit(node);
    }
    for (uint32_t i = 0; i < 2; i++) {
        tflm_window_t *window = i ? y : x;
        window->input = input->dims[2 - i];
        window->output = output->dims[2 - i];
        window->stride = fb_field_i32(fb, node->options, 1 + i, 0);
        window->taps = weights ? weights->dims[2 - i] : fb_field_i32(fb, node->options, 3 + i, 0);
        window->dilation = dilation ? fb_field_i32(fb, node->options, dilation + i, 1) : 1;
        TRY(window_init(node, window, fb_field_u8(fb, node->options, 0, 0)));
    }
    return TFLM_OK;
}

// The number of output rows up to which it is worth checking whether they may overlap the input.
enum { MAX_SLIDE = 1 << 12 };

TFLM_NOINLINE void tflm_slide(tflm_node_t *node, const tflm_window_t *y, const tflm_tensor_t *input,
                              const tflm_tensor_t *output) {
    node->rows = (uint32_t)(output->dims[0] * output->dims[1]);
    if (input->dims[0] != 1 || y->output > MAX_SLIDE) {
        return;
    }
    // No part of a tensor has 2^31 bytes.
    int32_t input_row = (int32_t)input->bytes / y->input;
    int32_t output_row = (int32_t)output->bytes / y->output;
    int32_t lead = 0, lag = 0;
    for (int32_t row = 0; row < y->output; row++) {
        int32_t first = row * y->stride - y->padding;
        int32_t end = first + (y->taps - 1) * y->dilation + 1;
        first = first > 0 ? first : 0;
        end = end < y->input ? end : y->input;
        // `ahead` is how far it writes, less where it begins to read; `behind` is where it ends
        // reading, less where it begins to write.
        int32_t ahead = (row + 1) * output_row - first * input_row;
        int32_t behind = end * input_row - row * output_row;
        lead = ahead > lead ? ahead : lead;
        lag = behind > lag ? behind : lag;
    }
    tflm_overlap(node, (uint32_t)lead, (uint32_t)lag);
}

tflm_status_t tflm_pool_windows(tflm_node_t *node, const tflm_tensor_t *input,
                                const tflm_tensor_t *output, tflm_window_t *y, tflm_window_t *x) {
    TRY(tflm_windows(node, input, output, NULL, 0, y, x));
    if (input->dims[3] != output->dims[3]) {
        return tflm_unfit(node);
    }
    tflm_slide(node, y, input, output);
    node->cost = (uint64_t)(uint32_t)(output->dims[2] * output->dims[3]) *
                 (24 + 8 * (uint64_t)y->taps * (uint64_t)x->taps);
    return TFLM_OK;
}

tflm_taps_t tflm_window_edge(const tflm_window_t *window, int32_t first) {
    int32_t begin = 0, end = window->taps;
    while (begin < end && first + begin * window->dilation < 0) {
        begin++;
    }
    while (begin < end && first + (end - 1) * window->dilation >= window->input) {
        end--;
    }
    tflm_taps_t taps = {begin, end};
    return taps;
}
