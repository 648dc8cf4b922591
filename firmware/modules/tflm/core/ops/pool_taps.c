// SPDX-License-Identifier: Apache-2.0
#include "pool.h"

#ifndef TFLM_HELIUM

static inline int32_t sum_of(int32_t x, int32_t y) {
    return x + y;
}

static inline int32_t larger_of(int32_t x, int32_t y) {
    return x > y ? x : y;
}

// An output of what its taps come to, so many or, where there are none, one.
static inline int32_t mean_of(int32_t sum, int32_t count) {
    int32_t half = count >> 1;
    return (sum + (sum > 0 ? half : -half)) / count;
}

static inline int32_t itself(int32_t largest, int32_t count) {
    (void)count;
    return largest;
}

#define END(all, end) *to++ = (type_t)tflm_clamp(end(all, count), low, high)

// For each channel, `start` joined with each tap, and an `end`; of four channels side by side.
#define POOL(name, type, start, join, end)                                                         \
    void tflm_##name(const tflm_taps_of_pool_t *taps, void *output) {                              \
        typedef type type_t;                                                                       \
        const type *from = taps->from, *last = from + taps->channels;                              \
        type *to = output;                                                                         \
        const int32_t low = taps->low, high = taps->high, met = taps->rows * taps->columns;        \
        const int32_t count = met ? met : 1;                                                       \
        for (uint32_t step; from < last; from += step) {                                           \
            int32_t all0 = start, all1 = start, all2 = start, all3 = start;                        \
            const uint8_t *row = (const uint8_t *)from;                                            \
            step = last - from < 4 ? 1 : 4;                                                        \
            for (int32_t i = taps->rows; i; i--, row += taps->row_step) {                          \
                const uint8_t *at = row;                                                           \
                for (int32_t j = taps->columns; j; j--, at += taps->column_step) {                 \
                    const type *tap = (const type *)(const void *)at;                              \
                    all0 = join(all0, tap[0]);                                                     \
                    if (step > 1) {                                                                \
                        all1 = join(all1, tap[1]);                                                 \
                        all2 = join(all2, tap[2]);                                                 \
                        all3 = join(all3, tap[3]);                                                 \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            END(all0, end);                                                                        \
            if (step > 1) {                                                                        \
                END(all1, end);                                                                    \
                END(all2, end);                                                                    \
                END(all3, end);                                                                    \
            }                                                                                      \
        }                                                                                          \
    }

#ifndef TFLM_DSP
POOL(largest_8, int8_t, -128, larger_of, itself)
#endif
POOL(largest_16, int16_t, -32768, larger_of, itself)
POOL(mean_8, int8_t, 0, sum_of, mean_of)
POOL(mean_16, int16_t, 0, sum_of, mean_of)

#endif
