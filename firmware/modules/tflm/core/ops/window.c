// SPDX-License-Identifier: Apache-2.0
#include "window.h"

// Checks stride and dilation, and that `output` is what TensorFlow Lite computes; sets the padding.
// `padding` is that of the schema, 0 same, 1 valid.
static tflm_status_t window_init(tflm_node_t *node, tflm_window_t *window, uint8_t padding) {
    // Keeps positions within 32 bits, and what TensorFlow Lite has 16 bits for within those.
    const int32_t max = 1 << 20, max_step = INT16_MAX;
    int32_t stride = window->stride, dilation = window->dilation, taps = window->taps;
    if (stride < 1 || stride > max_step || dilation < 1 || dilation > max_step || taps < 1 ||
        window->input > max || taps - 1 > 2 * max_step / dilation) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "stride %d, dilation %d, %d taps", stride,
                              dilation, taps);
    }
    int32_t extent = (taps - 1) * dilation + 1;
    int32_t beyond = window->input - (padding ? extent : 1); // Of the first position.
    int32_t output = beyond < 0 ? 0 : beyond / stride + 1;
    if (padding > 1 || output != window->output) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%d outputs along an axis, not %d",
                              window->output, output);
    }
    int32_t missing = (output - 1) * stride + extent - window->input;
    window->padding = missing > 0 ? missing / 2 : 0;
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

typedef struct {
    const tflm_window_t *y;
    int32_t input_row, output_row; // in bytes
} rows_t;

// How far a row writes, less where it begins to read.
static int32_t lead_of(const rows_t *rows, int32_t row) {
    int32_t first = row * rows->y->stride - rows->y->padding;
    return (row + 1) * rows->output_row - (first > 0 ? first * rows->input_row : 0);
}

// Where a row ends reading, less where it begins to write.
static int32_t lag_of(const rows_t *rows, int32_t row) {
    const tflm_window_t *y = rows->y;
    int32_t end = row * y->stride - y->padding + (y->taps - 1) * y->dilation + 1;
    return (end < y->input ? end : y->input) * rows->input_row - row * rows->output_row;
}

// The largest value at rows around `bend`, where such a function turns from one line to another,
// and at both ends. What is within a tensor has less than 2^31 bytes.
static uint32_t largest(int32_t (*of)(const rows_t *, int32_t), const rows_t *rows, int32_t bend) {
    int32_t last = rows->y->output - 1;
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int32_t row = i == 0 ? 0 : i == 1 ? last : bend + i - 2;
        row = row < 0 ? 0 : row > last ? last : row;
        int32_t at = of(rows, row);
        value = at > value ? at : value;
    }
    return (uint32_t)value;
}

void tflm_slide(tflm_node_t *node, const tflm_window_t *y, const tflm_tensor_t *input,
                const tflm_tensor_t *output) {
    node->rows = (uint32_t)(output->dims[0] * output->dims[1]);
    if (input->dims[0] != 1) {
        return;
    }
    rows_t rows = {y, (int32_t)input->bytes / input->dims[1],
                   (int32_t)output->bytes / output->dims[1]};
    int32_t extent = (y->taps - 1) * y->dilation + 1;
    tflm_overlap(node, largest(lead_of, &rows, y->padding / y->stride),
                 largest(lag_of, &rows, (y->input + y->padding - extent) / y->stride));
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
