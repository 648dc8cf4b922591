// SPDX-License-Identifier: Apache-2.0
#include "dense.h"
#include "window.h"

#ifdef TFLM_HELIUM
#include <arm_mve.h>
#endif

typedef struct {
    uint32_t input, output; // Places.
    tflm_window_t y, x;
    int32_t depth;
    int32_t low, high;
} pool_t;

TFLM_PREPARE(pool) {
    tflm_tensor_t t[2];
    tflm_window_t y, x;
    TRY(tflm_get_tensors(node, "qq", t));
    TRY(tflm_pool_windows(node, &t[0], &t[1], &y, &x));
    int32_t low, high;
    TRY(tflm_activation_range(node, fb_field_u8(&node->load->fb, node->options, 5, 0), &t[1], &low,
                              &high));
    pool_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->y = y;
        self->x = x;
        self->depth = t[0].dims[3];
        self->low = low;
        self->high = high;
    }
    return TFLM_OK;
}

TFLM_EVAL(max_pool) {
    const pool_t *self = data;
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output = (int8_t *)tflm_at(run, self->output) +
                     (size_t)from * (size_t)wx->output * (size_t)self->depth;
    ptrdiff_t depth = self->depth;
    for (uint32_t row = from; row < to; row++) {
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input;
        for (int32_t column = 0; column < wx->output; column++) {
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            for (ptrdiff_t channel = 0; channel < depth; channel++) {
                int32_t largest = -128;
                for (int32_t i = y_from; i < y_to; i++) {
                    const int8_t *at =
                        input + ((ptrdiff_t)(y + i) * wx->input + x + x_from) * depth + channel;
                    for (int32_t j = x_from; j < x_to; j++, at += depth) {
                        largest = *at > largest ? *at : largest;
                    }
                }
                *output++ = (int8_t)tflm_clamp(largest, self->low, self->high);
            }
        }
    }
}

#ifdef TFLM_HELIUM
enum { LANES = 4 };
#else
enum { LANES = 1 };
#endif

// Sums of neighbouring channels, up to LANES, over `rows` of `columns`, which lie so many bytes
// apart.
static void add_up(const int8_t *from, int32_t rows, int32_t columns, ptrdiff_t row_step,
                   ptrdiff_t column_step, ptrdiff_t lanes, int32_t *sum) {
#ifdef TFLM_HELIUM
    mve_pred16_t some = vctp32q((uint32_t)lanes);
    int32x4_t total = vdupq_n_s32(0);
#else
    int32_t total = 0;
    (void)lanes;
#endif
    for (int32_t i = 0; i < rows; i++, from += row_step) {
        const int8_t *at = from;
        for (int32_t j = 0; j < columns; j++, at += column_step) {
#ifdef TFLM_HELIUM
            total = vaddq_s32(total, vldrbq_z_s32(at, some));
#else
            total += *at;
#endif
        }
    }
#ifdef TFLM_HELIUM
    vstrwq_s32(sum, total);
#else
    *sum = total;
#endif
}

TFLM_EVAL(average_pool) {
    const pool_t *self = data;
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output = (int8_t *)tflm_at(run, self->output) +
                     (size_t)from * (size_t)wx->output * (size_t)self->depth;
    ptrdiff_t depth = self->depth;
    for (uint32_t row = from; row < to; row++) {
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input;
        for (int32_t column = 0; column < wx->output; column++) {
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            int32_t count = (y_to - y_from) * (x_to - x_from);
            const int8_t *first =
                input + ((ptrdiff_t)(y + y_from) * wx->input + x + x_from) * depth;
            for (ptrdiff_t channel = 0; channel < depth; channel += LANES) {
                int32_t sum[LANES];
                ptrdiff_t lanes = depth - channel < LANES ? depth - channel : LANES;
                add_up(first + channel, y_to - y_from, x_to - x_from, wx->input * depth, depth,
                       lanes, sum);
                for (ptrdiff_t k = 0; k < lanes; k++) {
                    // Rounded to nearest, halves away from zero.
                    int32_t half = sum[k] > 0 ? count / 2 : -(count / 2);
                    int32_t mean = count ? (sum[k] + half) / count : 0;
                    *output++ = (int8_t)tflm_clamp(mean, self->low, self->high);
                }
            }
        }
    }
}
