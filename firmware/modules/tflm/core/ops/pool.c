// SPDX-License-Identifier: Apache-2.0
// AVERAGE_POOL_2D and MAX_POOL_2D of int8 and int16.
#include "pool.h"

#include "ops.h"
#include "window.h"

// With at most this many taps, sums stay within 32 bits.
enum { MAX_TAPS = 1 << 15 };

typedef struct {
    uint32_t input, output; // Places.
    tflm_window_t y, x;
    uint32_t depth;
    int32_t low, high;
} pool_t;

TFLM_PREPARE(pool) {
    tflm_tensor_t t[2];
    tflm_window_t y, x;
    TRY(tflm_get_tensors(node, "qq", t));
    TRY(tflm_pool_windows(node, &t[0], &t[1], &y, &x));
    if (y.taps > MAX_TAPS / x.taps) {
        return tflm_unfit(node);
    }
    int32_t low, high;
    TRY(tflm_activation_range(node, fb_field_u8(&node->load->fb, node->options, 5, 0), &t[1], &low,
                              &high));
    pool_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->y = y;
        self->x = x;
        self->depth = (uint32_t)t[0].dims[3];
        self->low = low;
        self->high = high;
    }
    return TFLM_OK;
}

static void eval(const tflm_run_t *run, const pool_t *self, uint32_t from, uint32_t to,
                 uint32_t element_bytes, tflm_pool_each_t *each) {
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    ptrdiff_t column_bytes = (ptrdiff_t)(self->depth * element_bytes);
    tflm_taps_of_pool_t taps = {.row_step = wx->input * column_bytes,
                                .column_step = column_bytes,
                                .channels = self->depth,
                                .low = self->low,
                                .high = self->high};
    uint8_t *output = tflm_at(run, self->output);
    output += (ptrdiff_t)from * wx->output * column_bytes;
    for (uint32_t row = from; row < to; row++) {
        int32_t y, y_from, y_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input;
        const uint8_t *input = tflm_at(run, self->input) + (y + y_from) * taps.row_step;
        taps.rows = y_to - y_from;
        for (int32_t column = 0; column < wx->output; column++, output += column_bytes) {
            int32_t x, x_from, x_to;
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            taps.columns = x_to - x_from;
            taps.from = input + (x + x_from) * column_bytes;
            each(&taps, output);
        }
    }
}

TFLM_EVAL(max_pool) {
    eval(run, data, from, to, sizeof(int8_t), tflm_largest_8);
}

TFLM_EVAL(average_pool) {
    eval(run, data, from, to, sizeof(int8_t), tflm_mean_8);
}

TFLM_EVAL(int16_max_pool) {
    eval(run, data, from, to, sizeof(int16_t), tflm_largest_16);
}

TFLM_EVAL(int16_average_pool) {
    eval(run, data, from, to, sizeof(int16_t), tflm_mean_16);
}
