// SPDX-License-Identifier: Apache-2.0
// Sums of products: where inference spends its time. Functions of their own, as compilers run out
// of registers when they are inlined into their callers. The portable ones are the reference of
// those for Helium (helium.c) and for Arm's DSP extension.
#include <string.h>

#include "dense.h"

#ifdef TFLM_DSP

// Four bytes of each as two pairs of 16 bits, the even ones and the odd ones.
typedef struct {
    uint32_t even, odd;
} pairs_t;

static inline pairs_t pairs(const int8_t *bytes) {
    uint32_t word;
    pairs_t pair;
    memcpy(&word, bytes, sizeof word);
    __asm__("sxtb16 %0, %1" : "=r"(pair.even) : "r"(word));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair.odd) : "r"(word));
    return pair;
}

static inline uint32_t add_products(pairs_t x, const int8_t *w, uint32_t sum) {
    pairs_t pair = pairs(w);
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(x.even), "r"(pair.even));
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(x.odd), "r"(pair.odd));
    return sum;
}

#endif

#ifndef TFLM_HELIUM

// Adds to four channels' sums n products each.
static void dot4(const int8_t *x, const int8_t *w, uint32_t n, uint32_t *sum) {
    const int8_t *w0 = w, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n;
    uint32_t sum0 = sum[0], sum1 = sum[1], sum2 = sum[2], sum3 = sum[3];
    size_t i = 0;
#ifdef TFLM_DSP
    for (; i + 4 <= n; i += 4) {
        pairs_t x4 = pairs(x + i);
        sum0 = add_products(x4, w0 + i, sum0);
        sum1 = add_products(x4, w1 + i, sum1);
        sum2 = add_products(x4, w2 + i, sum2);
        sum3 = add_products(x4, w3 + i, sum3);
    }
#endif
#define MAC4(i)                                                                                    \
    do {                                                                                           \
        int32_t value = x[i];                                                                      \
        sum0 += (uint32_t)(value * w0[i]);                                                         \
        sum1 += (uint32_t)(value * w1[i]);                                                         \
        sum2 += (uint32_t)(value * w2[i]);                                                         \
        sum3 += (uint32_t)(value * w3[i]);                                                         \
    } while (0)
    for (; i + 4 <= n; i += 4) {
        MAC4(i);
        MAC4(i + 1);
        MAC4(i + 2);
        MAC4(i + 3);
    }
    for (; i < n; i++) {
        MAC4(i);
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

uint32_t tflm_dot1(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (uint32_t)((x[i] + offset) * w[i]);
    }
    return sum;
}

void tflm_dense(const tflm_stage_t *stage, const int8_t *x, const int8_t *w, uint32_t n,
                uint32_t from, uint32_t to, int8_t *output) {
    uint32_t channel = from;
    w += (size_t)from * n;
    for (; channel + 4 <= to; channel += 4, w += 4 * (size_t)n) {
        uint32_t sum[4];
        for (int i = 0; i < 4; i++) {
            sum[i] = (uint32_t)stage->bias[channel + i];
        }
        dot4(x, w, n, sum);
        for (int i = 0; i < 4; i++) {
            output[channel + i] = tflm_finish(stage, channel + i, sum[i]);
        }
    }
    for (; channel < to; channel++, w += n) {
        uint32_t sum = (uint32_t)stage->bias[channel] + tflm_dot1(x, 0, w, n);
        output[channel] = tflm_finish(stage, channel, sum);
    }
}

#endif
