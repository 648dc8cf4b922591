// SPDX-License-Identifier: Apache-2.0
// Sums of DEPTHWISE_CONV_2D. These portable functions are the reference for helium_depthwise.c and
// dsp_depthwise.c. Xtensa cores have an eval of their own, in xtensa.c.
#include "depthwise.h"

#if !defined(TFLM_HELIUM) && !defined(TFLM_DSP) && !defined(TFLM_XTENSA)

// Channels that are summed side by side: as many as there are registers for.
enum { BLOCK = UINTPTR_MAX > UINT32_MAX ? 8 : 4 };

static inline __attribute__((always_inline)) void sum_block(const tflm_depthwise_taps_t *taps,
                                                            const int8_t *x, const int8_t *w,
                                                            const bool shared, int32_t *sum) {
    int32_t acc[BLOCK];
    for (int k = 0; k < BLOCK; k++) {
        acc[k] = 0;
    }
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        for (int32_t j = taps->columns; j > 0; j--) {
            for (int k = 0; k < BLOCK; k++) {
                acc[k] += (xj[shared ? 0 : k] + taps->offset) * wj[k];
            }
            xj += taps->input_column;
            wj += taps->weight_column;
        }
        x += taps->input_row;
        w += taps->weight_row;
    }
    for (int k = 0; k < BLOCK; k++) {
        sum[k] = acc[k];
    }
}

static void sum_own(const tflm_depthwise_taps_t *taps, const int8_t *x, const int8_t *w,
                    int32_t *sum) {
    sum_block(taps, x, w, false, sum);
}

static void sum_shared(const tflm_depthwise_taps_t *taps, const int8_t *x, const int8_t *w,
                       int32_t *sum) {
    sum_block(taps, x, w, true, sum);
}

void tflm_depthwise_sums(const tflm_depthwise_taps_t *given, uint32_t multiplier, uint32_t channel,
                         uint32_t count, uint32_t positions, int32_t *sum) {
    tflm_depthwise_taps_t taps = *given; // A copy, which no sum can alias.
    const int8_t *w = taps.weights + channel;
    for (; positions; positions--, sum += count, taps.input += taps.step) {
        uint32_t i = 0;
        if (multiplier == 1) {
            for (; i < count && count >= BLOCK; i += BLOCK) {
                i = count - i < BLOCK ? count - BLOCK : i; // Some are summed twice.
                sum_own(&taps, taps.input + channel + i, w + i, sum + i);
            }
        } else if (multiplier % BLOCK == 0) {
            for (; i + BLOCK <= count; i += BLOCK) {
                const int8_t *x = taps.input + (channel + i) / multiplier;
                sum_shared(&taps, x, w + i, sum + i);
            }
        }
        for (; i < count; i++) {
            sum[i] = tflm_depthwise_sum(&taps, taps.input + (channel + i) / multiplier, w + i);
        }
    }
}

#endif
