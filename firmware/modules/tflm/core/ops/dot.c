// SPDX-License-Identifier: Apache-2.0
// Sums of products: where inference spends its time. Functions of their own, as compilers run out
// of registers when they are inlined into their callers.
#include "dense.h"

#define MAC4(i)                                                                                    \
    do {                                                                                           \
        int32_t value = x[i] ADD_OFFSET;                                                           \
        sum0 += (uint32_t)(value * w0[i]);                                                         \
        sum1 += (uint32_t)(value * w1[i]);                                                         \
        sum2 += (uint32_t)(value * w2[i]);                                                         \
        sum3 += (uint32_t)(value * w3[i]);                                                         \
    } while (0)

#define DOT4                                                                                       \
    do {                                                                                           \
        const int8_t *w0 = w, *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;             \
        uint32_t sum0 = sum[0], sum1 = sum[1], sum2 = sum[2], sum3 = sum[3];                       \
        size_t i = 0;                                                                              \
        for (; i + 4 <= n; i += 4) {                                                               \
            MAC4(i);                                                                               \
            MAC4(i + 1);                                                                           \
            MAC4(i + 2);                                                                           \
            MAC4(i + 3);                                                                           \
        }                                                                                          \
        for (; i < n; i++) {                                                                       \
            MAC4(i);                                                                               \
        }                                                                                          \
        sum[0] = sum0;                                                                             \
        sum[1] = sum1;                                                                             \
        sum[2] = sum2;                                                                             \
        sum[3] = sum3;                                                                             \
    } while (0)

void tflm_dot4(const int8_t *x, const int8_t *w, uint32_t stride, uint32_t n, uint32_t *sum) {
#define ADD_OFFSET
    DOT4;
#undef ADD_OFFSET
}

void tflm_dot4_offset(const int8_t *x, int32_t offset, const int8_t *w, uint32_t stride, uint32_t n,
                      uint32_t *sum) {
#define ADD_OFFSET +offset
    DOT4;
#undef ADD_OFFSET
}

uint32_t tflm_dot1(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (uint32_t)((x[i] + offset) * w[i]);
    }
    return sum;
}
