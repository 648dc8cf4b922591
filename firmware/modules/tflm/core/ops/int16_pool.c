// SPDX-License-Identifier: Apache-2.0
// AVERAGE_POOL_2D and MAX_POOL_2D of int16.
#include "int16.h"
#include "window.h"

enum { MAX_TAPS = 1 << 15 };

typedef struct {
    uint32_t input, output; // Places.
    tflm_window_t y, x;
    uint32_t depth;
    int32_t low, high;
} pool_t;

TFLM_PREPARE(int16_pool) {
    TRY(tflm_expect(node, 1, 1, 1));
    fb_t *fb = &node->load->fb;
    tflm_tensor_t input, output;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_output(node, 0, &output));
    TRY(tflm_expect_int16(node, &input));
    TRY(tflm_expect_int16(node, &output));
    tflm_window_t y, x;
    TRY(tflm_pool_windows(node, &input, &output, &y, &x));
    node->cost *= 3;
    if ((int64_t)y.taps * x.taps > MAX_TAPS) { // Sums of so many stay within 32 bits.
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "a window of %d by %d", y.taps, x.taps);
    }
    pool_t made = {.y = y, .x = x, .depth = (uint32_t)input.dims[3]};
    TRY(tflm_activation_range(node, fb_field_u8(fb, node->options, 5, 0), &output, &made.low,
                              &made.high));
    pool_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        made.input = tflm_node_input(node, 0);
        made.output = tflm_node_output(node, 0);
        *self = made;
    }
    return TFLM_OK;
}

static void eval(const tflm_run_t *run, const pool_t *self, uint32_t from, uint32_t to, bool max) {
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    uint32_t depth = self->depth;
    const uint8_t *input = tflm_at(run, self->input);
    int16_t *output =
        (int16_t *)(void *)tflm_at(run, self->output) + (size_t)from * (size_t)wx->output * depth;
    for (uint32_t row = from; row < to; row++) {
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input;
        for (int32_t column = 0; column < wx->output; column++) {
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            int32_t count = (y_to - y_from) * (x_to - x_from);
            for (uint32_t channel = 0; channel < depth; channel++) {
                int32_t sum = 0, largest = -32768;
                for (int32_t i = y_from; i < y_to; i++) {
                    for (int32_t j = x_from; j < x_to; j++) {
                        uint32_t at = (uint32_t)((y + i) * wx->input + x + j) * depth + channel;
                        int32_t value = tflm_int16(input, at);
                        sum += value;
                        largest = value > largest ? value : largest;
                    }
                }
                if (!max) { // Rounded to nearest, halves away from zero.
                    int32_t half = sum > 0 ? count / 2 : -(count / 2);
                    largest = count ? (sum + half) / count : 0;
                }
                *output++ = (int16_t)tflm_clamp(largest, self->low, self->high);
            }
        }
    }
}

TFLM_EVAL(int16_average_pool) {
    eval(run, data, from, to, false);
}

TFLM_EVAL(int16_max_pool) {
    eval(run, data, from, to, true);
}
