// SPDX-License-Identifier: Apache-2.0
// AVERAGE_POOL_2D and MAX_POOL_2D of float32.
#include <float.h>

#include "float32.h"
#include "window.h"

typedef struct {
    uint32_t input, output; // Places.
    tflm_window_t y, x;
    uint32_t depth;
    tflm_float_range_t range;
} pool_t;

TFLM_PREPARE(float_pool) {
    TRY(tflm_expect(node, 1, 1, 1));
    fb_t *fb = &node->load->fb;
    tflm_tensor_t t[2];
    TRY(tflm_get_input(node, 0, &t[0]));
    TRY(tflm_get_output(node, 0, &t[1]));
    TRY(tflm_expect_float32(node, t, 2));
    tflm_window_t y, x;
    TRY(tflm_pool_windows(node, &t[0], &t[1], &y, &x));
    node->cost *= 3;
    tflm_float_range_t range;
    TRY(tflm_float_range(node, fb_field_u8(fb, node->options, 5, 0), &range));
    pool_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->input = tflm_node_input(node, 0);
        self->output = tflm_node_output(node, 0);
        self->y = y;
        self->x = x;
        self->depth = (uint32_t)t[0].dims[3];
        self->range = range;
    }
    return TFLM_OK;
}

static void eval(const tflm_run_t *run, const pool_t *self, uint32_t from, uint32_t to, bool max) {
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    size_t depth = self->depth;
    const uint8_t *input = tflm_at(run, self->input);
    float *output =
        (float *)(void *)tflm_at(run, self->output) + (size_t)from * (size_t)wx->output * depth;
    for (uint32_t row = from; row < to; row++) {
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input;
        for (int32_t column = 0; column < wx->output; column++) {
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            int32_t count = (y_to - y_from) * (x_to - x_from);
            for (size_t channel = 0; channel < depth; channel++) {
                float sum = 0, largest = -FLT_MAX;
                for (int32_t i = y_from; i < y_to; i++) {
                    for (int32_t j = x_from; j < x_to; j++) {
                        size_t at = ((size_t)(y + i) * (size_t)wx->input + (size_t)(x + j)) * depth;
                        float value = tflm_load_f32(input + (at + channel) * sizeof value);
                        sum += value;
                        largest = value > largest ? value : largest;
                    }
                }
                if (!max) {
                    largest = count ? sum / (float)count : 0;
                }
                *output++ = tflm_clamp_f32(largest, self->range);
            }
        }
    }
}

TFLM_EVAL(float_average_pool) {
    eval(run, data, from, to, false);
}

TFLM_EVAL(float_max_pool) {
    eval(run, data, from, to, true);
}
