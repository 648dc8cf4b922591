// SPDX-License-Identifier: Apache-2.0
// Pooling of one output position, in portable C.
#include "pool.h"

#ifndef TFLM_HELIUM

static inline int32_t sum_of(int32_t x, int32_t y) {
    return x + y;
}

static inline int32_t larger_of(int32_t x, int32_t y) {
    return x > y ? x : y;
}

// Returns the mean of `count` taps.
static inline int32_t mean_of(int32_t sum, int32_t count) {
    int32_t half = count >> 1, negative = sum >> 31;
    return (sum + (half ^ negative) - negative) / count;
}

static inline int32_t itself(int32_t largest, int32_t count) {
    (void)count;
    return largest;
}

// For some channels side by side, combines `start` with each tap, and ends with `end`. It is
// unrolled, as compilers keep no arrays in registers.
#define ONE(each, of) each(0, of)
#define FOUR(each, of) each(0, of) each(1, of) each(2, of) each(3, of)
#define START(i, start) all##i = start,
#define JOIN(i, join) all##i = join(all##i, tap[i]);
#define END(i, end) *to++ = (type_t)tflm_clamp(end(all##i, count), low, high);
#define CHANNELS(some, repeat, start, join, end)                                                   \
    for (; last - from >= (some); from += (some)) {                                                \
        int32_t repeat(START, start) y = taps->rows;                                               \
        for (const uint8_t *row = (const uint8_t *)from; y; y--, row += taps->row_step) {          \
            const uint8_t *at = row;                                                               \
            for (int32_t x = taps->columns; x; x--, at += taps->column_step) {                     \
                const type_t *tap = (const type_t *)(const void *)at;                              \
                repeat(JOIN, join)                                                                 \
            }                                                                                      \
        }                                                                                          \
        repeat(END, end)                                                                           \
    }

#define POOL(name, type, start, join, end)                                                         \
    void tflm_##name(const tflm_taps_of_pool_t *taps, void *output) {                              \
        typedef type type_t;                                                                       \
        const type *from = taps->from, *last = from + taps->channels;                              \
        type *to = output;                                                                         \
        const int32_t low = taps->low, high = taps->high, met = taps->rows * taps->columns;        \
        const int32_t count = met ? met : 1;                                                       \
        CHANNELS(4, FOUR, start, join, end)                                                        \
        CHANNELS(1, ONE, start, join, end)                                                         \
    }

#ifndef TFLM_DSP
POOL(largest_8, int8_t, -128, larger_of, itself)
#endif
POOL(largest_16, int16_t, -32768, larger_of, itself)
POOL(mean_8, int8_t, 0, sum_of, mean_of)
POOL(mean_16, int16_t, 0, sum_of, mean_of)

#endif
