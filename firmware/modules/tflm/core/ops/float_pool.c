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
    if (t[0].rank != 4 || t[1].rank != 4 || t[0].dims[0] != t[1].dims[0] ||
        t[0].dims[3] != t[1].dims[3]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    tflm_window_t y = {.input = t[0].dims[1], .output = t[1].dims[1], .dilation = 1};
    tflm_window_t x = {.input = t[0].dims[2], .output = t[1].dims[2], .dilation = 1};
    uint8_t padding = fb_field_u8(fb, node->options, 0, 0);
    x.stride = fb_field_i32(fb, node->options, 1, 0);
    y.stride = fb_field_i32(fb, node->options, 2, 0);
    x.taps = fb_field_i32(fb, node->options, 3, 0);
    y.taps = fb_field_i32(fb, node->options, 4, 0);
    TRY(tflm_window_init(node, &y, padding));
    TRY(tflm_window_init(node, &x, padding));
    tflm_float_range_t range;
    TRY(tflm_float_range(node, fb_field_u8(fb, node->options, 5, 0), &range));
    tflm_window_overlap(node, &y, t[0].dims[0], t[0].bytes / (uint32_t)t[0].dims[1],
                        t[1].bytes / (uint32_t)t[1].dims[1]);
    uint64_t cost =
        (uint64_t)(uint32_t)(t[1].dims[2] * t[1].dims[3]) * ((uint64_t)y.taps * (uint64_t)x.taps);
    node->rows = (uint32_t)(t[1].dims[0] * t[1].dims[1]);
    node->cost = cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
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
