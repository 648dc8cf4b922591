// SPDX-License-Identifier: Apache-2.0
// Sums of products, in which inference spends its time. They are not inlined, as compilers then run
// out of registers. These portable functions are the reference for dsp.c, helium.c and xtensa.c.
#include "dense.h"
#ifdef TFLM_DSP
#include "dsp.h"
#endif

#ifndef TFLM_HELIUM

int32_t tflm_sum_of(const int8_t *x, uint32_t n) {
    int32_t sum = 0;
    for (const int8_t *end = x + n; x < end;) {
        sum += *x++;
    }
    return sum;
}

uint32_t tflm_dot1(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n) {
    uint32_t sum = 0;
#ifdef TFLM_DSP
    uint32_t plus = (uint32_t)offset << 16 | (uint16_t)offset;
    for (; n >= 4; n -= 4, x += 4, w += 4) {
        pairs_t xs = tflm_pairs_plus(tflm_word(x), plus), ws = tflm_pairs(tflm_word(w));
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(xs.even), "r"(ws.even));
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(xs.odd), "r"(ws.odd));
    }
#endif
    for (; n; n--) {
        sum += (uint32_t)((*x++ + offset) * *w++);
    }
    return sum;
}

uint32_t tflm_dot_16(const uint8_t *x, const uint8_t *w, uint32_t n) {
    uint32_t sum = 0;
#ifdef TFLM_DSP
    for (; n >= 4; n -= 4, x += 8, w += 8) {
        uint32_t first = tflm_word(w), second = tflm_word(w + 4);
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(tflm_word(x)), "r"(first));
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(tflm_word(x + 4)), "r"(second));
    }
#endif
    for (uint32_t i = 0; i < n; i++) {
        sum += (uint32_t)tflm_int16(x, i) * (uint32_t)tflm_int16(w, i);
    }
    return sum;
}

#ifndef TFLM_DSP

void tflm_finish_all(const tflm_stage_t *given, uint32_t channel, uint32_t count, uint32_t sums,
                     const int32_t *sum, int8_t *output) {
    // A copy, as the compiler has to assume that outputs alias what is pointed to.
    const tflm_stage_t stage = *given;
    int32_t room[TFLM_SUMS];
    const int32_t *bias = tflm_biases(given, channel, count, room);
    for (const int32_t *end = sum + sums; sum < end; sum += count, output += count) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t biased = (uint32_t)sum[i] + (uint32_t)bias[i];
            output[i] = tflm_finish(&stage, channel + i, biased);
        }
    }
}

#endif

#if !defined(TFLM_DSP) && !defined(TFLM_XTENSA)

#define MAC4                                                                                       \
    do {                                                                                           \
        MAC;                                                                                       \
        MAC;                                                                                       \
        MAC;                                                                                       \
        MAC;                                                                                       \
    } while (0)

#define MAC                                                                                        \
    do {                                                                                           \
        int32_t value = *x++;                                                                      \
        sum0 += (uint32_t)(value * *w0++);                                                         \
        sum1 += (uint32_t)(value * *w1++);                                                         \
        sum2 += (uint32_t)(value * *w2++);                                                         \
        sum3 += (uint32_t)(value * *w3++);                                                         \
    } while (0)

static __attribute__((noinline)) void dot4(const int8_t *x, const int8_t *w, uint32_t n,
                                           uint32_t stride, int32_t *sum) {
    const int8_t *w0 = w, *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    uint32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    const int8_t *end = x + n;
#if UINTPTR_MAX > UINT32_MAX
    // Compilers vectorise a loop of fixed length.
    for (const int8_t *last = end - n % 16; x < last;) {
        for (int i = 0; i < 16; i++) {
            sum0 += (uint32_t)(x[i] * w0[i]);
            sum1 += (uint32_t)(x[i] * w1[i]);
            sum2 += (uint32_t)(x[i] * w2[i]);
            sum3 += (uint32_t)(x[i] * w3[i]);
        }
        x += 16;
        w0 += 16;
        w1 += 16;
        w2 += 16;
        w3 += 16;
    }
#endif
    for (const int8_t *last = end - n % 4; x < last;) {
        MAC4;
    }
    while (x < end) {
        MAC;
    }
    sum[0] = (int32_t)sum0;
    sum[1] = (int32_t)sum1;
    sum[2] = (int32_t)sum2;
    sum[3] = (int32_t)sum3;
}

void tflm_dense(const int8_t *x, const int8_t *w, uint32_t n, uint32_t stride, uint32_t channels,
                int32_t *sum) {
    for (; channels >= 4; channels -= 4, sum += 4, w += 4 * (size_t)stride) {
        dot4(x, w, n, stride, sum);
    }
    for (; channels; channels--, w += stride) {
        *sum++ = (int32_t)tflm_dot1(x, 0, w, n);
    }
}

#endif
#endif

#ifndef TFLM_XTENSA

#if !defined(TFLM_DSP) && !defined(TFLM_HELIUM)

void tflm_dense_positions(const int8_t *x, ptrdiff_t step, int32_t offset, const int8_t *w,
                          uint32_t n, uint32_t channels, int32_t *sum) {
    (void)offset;
    for (uint32_t i = 0; i < TFLM_POSITIONS; i++, x += step, sum += channels) {
        tflm_dense(x, w, n, n, channels, sum);
    }
}

#endif

void tflm_dense_all(const tflm_stage_t *stage, const int8_t *x, int32_t offset, const int8_t *w,
                    uint32_t n, uint32_t from, uint32_t to, int8_t *output) {
    (void)offset;
    while (from < to) {
        int32_t sum[TFLM_SUMS];
        uint32_t count = to - from < TFLM_SUMS ? to - from : TFLM_SUMS;
        tflm_dense_plus(x, offset, w + (size_t)from * n, n, n, count, sum);
        tflm_finish_all(stage, from, count, count, sum, output + from);
        from += count;
    }
}

#endif
