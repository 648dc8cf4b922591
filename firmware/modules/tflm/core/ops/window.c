// SPDX-License-Identifier: Apache-2.0
#include "window.h"

tflm_status_t tflm_window_init(tflm_node_t *node, tflm_window_t *window, uint8_t padding) {
    const int32_t max = 1 << 20; // Keeps positions within 32 bits.
    if (window->stride < 1 || window->stride > max || window->dilation < 1 ||
        window->dilation > max || window->taps < 1 || window->taps > max || window->input > max) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "stride %d, dilation %d, %d taps",
                              window->stride, window->dilation, window->taps);
    }
    int64_t extent = (int64_t)(window->taps - 1) * window->dilation + 1;
    int64_t output = padding == 0 ? ((int64_t)window->input + window->stride - 1) / window->stride
                                  : (window->input + window->stride - extent) / window->stride;
    if (padding > 1 || output != window->output) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%d outputs along an axis, not %d",
                              window->output, (int32_t)output);
    }
    int64_t missing = (output - 1) * window->stride + extent - window->input;
    window->padding = missing > 0 ? (int32_t)(missing / 2) : 0;
    if (extent > (int64_t)max * 8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "dilation %d", window->dilation);
    }
    return TFLM_OK;
}

typedef struct {
    const tflm_window_t *y;
    int64_t input_row, output_row; // in bytes
} rows_t;

// How far a row writes, less where it begins to read.
static int64_t lead_of(const rows_t *rows, int64_t row) {
    int64_t first = row * rows->y->stride - rows->y->padding;
    return (row + 1) * rows->output_row - (first > 0 ? first * rows->input_row : 0);
}

// Where a row ends reading, less where it begins to write.
static int64_t lag_of(const rows_t *rows, int64_t row) {
    const tflm_window_t *y = rows->y;
    int64_t end = row * y->stride - y->padding + (int64_t)(y->taps - 1) * y->dilation + 1;
    return (end < y->input ? end : y->input) * rows->input_row - row * rows->output_row;
}

// The largest value at rows around `bend`, where such a function turns from one line to another,
// and at both ends.
static uint32_t largest(int64_t (*of)(const rows_t *, int64_t), const rows_t *rows, int64_t bend) {
    int64_t last = rows->y->output - 1;
    int64_t value = 0;
    for (int i = 0; i < 4; i++) {
        int64_t row = i == 0 ? 0 : i == 1 ? last : bend + i - 2;
        row = row < 0 ? 0 : row > last ? last : row;
        int64_t at = of(rows, row);
        value = at > value ? at : value;
    }
    return value > INT32_MAX ? INT32_MAX : (uint32_t)value;
}

void tflm_window_overlap(tflm_node_t *node, const tflm_window_t *y, int32_t batches,
                         uint32_t input_row, uint32_t output_row) {
    if (batches != 1) {
        return;
    }
    rows_t rows = {y, input_row, output_row};
    int64_t extent = (int64_t)(y->taps - 1) * y->dilation + 1;
    tflm_overlap(node, largest(lead_of, &rows, y->padding / y->stride),
                 largest(lag_of, &rows, (y->input + y->padding - extent) / y->stride));
}

tflm_status_t tflm_pool_windows(tflm_node_t *node, const tflm_tensor_t *input,
                                const tflm_tensor_t *output, tflm_window_t *y, tflm_window_t *x) {
    fb_t *fb = &node->load->fb;
    if (input->rank != 4 || output->rank != 4 || input->dims[0] != output->dims[0] ||
        input->dims[3] != output->dims[3]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    uint8_t padding = fb_field_u8(fb, node->options, 0, 0);
    tflm_window_t *windows[] = {x, y};
    for (unsigned i = 0; i < 2; i++) {
        tflm_window_t *window = windows[i];
        window->input = input->dims[2 - i];
        window->output = output->dims[2 - i];
        window->stride = fb_field_i32(fb, node->options, 1 + i, 0);
        window->taps = fb_field_i32(fb, node->options, 3 + i, 0);
        window->dilation = 1;
        TRY(tflm_window_init(node, window, padding));
    }
    tflm_window_overlap(node, y, input->dims[0], input->bytes / (uint32_t)input->dims[1],
                        output->bytes / (uint32_t)output->dims[1]);
    node->rows = (uint32_t)(output->dims[0] * output->dims[1]);
    node->cost = (uint64_t)(uint32_t)(output->dims[2] * output->dims[3]) *
                 (16 + 8 * (uint64_t)y->taps * (uint64_t)x->taps);
    return TFLM_OK;
}
