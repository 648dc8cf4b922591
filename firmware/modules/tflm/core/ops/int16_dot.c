// SPDX-License-Identifier: Apache-2.0
// Sums of products of int16 and int8: where inference on int16 spends its time. The portable ones
// are the reference of those for Helium and Arm's DSP extension.
#include "int16.h"
#include "target.h"

#if defined(TFLM_HELIUM)
#include <arm_mve.h>
#elif defined(TFLM_DSP)
#include "dsp.h"
#endif

enum { LANES = 4 };

#if defined(TFLM_HELIUM)

// Adds n products, at most TFLM_INT16_PRODUCTS, of each of LANES channels, `stride` bytes apart.
static inline void add(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                       int32_t *sum) {
    const int8_t *w1 = w + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    __asm__ volatile(
        "wlstp.16 lr, %[n], 2f\n"
        "1:\n\t"
        "vldrh.16 q0, [%[x]], #16\n\t"
        "vldrb.s16 q1, [%[w]], #8\n\t"
        "vmladava.s16 %[sum0], q0, q1\n\t"
        "vldrb.s16 q2, [%[w1]], #8\n\t"
        "vmladava.s16 %[sum1], q0, q2\n\t"
        "vldrb.s16 q1, [%[w2]], #8\n\t"
        "vmladava.s16 %[sum2], q0, q1\n\t"
        "vldrb.s16 q2, [%[w3]], #8\n\t"
        "vmladava.s16 %[sum3], q0, q2\n\t"
        "letp lr, 1b\n"
        "2:"
        : [x] "+r"(x), [w] "+l"(w), [w1] "+l"(w1), [w2] "+l"(w2), [w3] "+l"(w3), [sum0] "+Te"(sum0),
          [sum1] "+Te"(sum1), [sum2] "+Te"(sum2), [sum3] "+Te"(sum3)
        : [n] "r"(n)
        : "lr", "q0", "q1", "q2", "memory");
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

#else

static inline void add(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                       int32_t *sum) {
    const int8_t *w1 = w + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
#ifdef TFLM_DSP
    for (; n >= 4; n -= 4, x += 4) {
        uint32_t low = tflm_word(x), high = tflm_word(x + 2), even, odd;
        __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(even) : "r"(low), "r"(high));
        __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(odd) : "r"(low), "r"(high));
#define ADD_FOUR(w, sum)                                                                           \
    do {                                                                                           \
        pairs_t pairs = tflm_pairs(tflm_word(w));                                                  \
        (w) += 4;                                                                                  \
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(even), "r"(pairs.even));                  \
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(odd), "r"(pairs.odd));                    \
    } while (0)
        ADD_FOUR(w, sum0);
        ADD_FOUR(w1, sum1);
        ADD_FOUR(w2, sum2);
        ADD_FOUR(w3, sum3);
    }
#endif
    for (; n; n--) {
        int32_t value = *x++;
        sum0 += value * *w++;
        sum1 += value * *w1++;
        sum2 += value * *w2++;
        sum3 += value * *w3++;
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

#endif

void tflm_int16_dense(const uint8_t *x, const uint8_t *w, uint32_t n, uint32_t channels,
                      uint64_t *sum) {
    // Constant inputs may lie anywhere.
    bool aligned = !((uintptr_t)x % sizeof(int16_t));
    for (; aligned && channels >= LANES; channels -= LANES, w += LANES * (size_t)n, sum += LANES) {
        uint64_t all[LANES] = {0, 0, 0, 0};
        for (uint32_t from = 0; from < n; from += TFLM_INT16_PRODUCTS) {
            int32_t part[LANES];
            uint32_t some = n - from < TFLM_INT16_PRODUCTS ? n - from : TFLM_INT16_PRODUCTS;
            add((const int16_t *)(const void *)x + from, (const int8_t *)w + from, some, n, part);
            for (int i = 0; i < LANES; i++) {
                all[i] += (uint64_t)(int64_t)part[i];
            }
        }
        for (int i = 0; i < LANES; i++) {
            sum[i] = all[i];
        }
    }
    for (; channels; channels--, w += n) {
        *sum++ = tflm_int16_dot(x, w, n);
    }
}

void tflm_int16_depthwise(const tflm_patch_t *patch, const uint8_t *weights, int32_t *sum) {
    ptrdiff_t input_column = patch->input_column, weight_column = patch->weight_column;
#if defined(TFLM_HELIUM)
    int32x4_t sums = vdupq_n_s32(0);
#else
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
#endif
    for (int32_t i = 0; i < patch->rows; i++) {
        const uint8_t *at = patch->input + i * patch->input_row;
        const int8_t *w = (const int8_t *)weights + i * patch->weight_row;
        for (int32_t j = patch->columns; j; j--, at += input_column, w += weight_column) {
            const int16_t *x = (const int16_t *)(const void *)at;
#if defined(TFLM_HELIUM)
            sums = vaddq_s32(sums, vmulq_s32(vldrhq_s32(x), vldrbq_s32(w)));
#else
            sum0 += x[0] * w[0];
            sum1 += x[1] * w[1];
            sum2 += x[2] * w[2];
            sum3 += x[3] * w[3];
#endif
        }
    }
#if defined(TFLM_HELIUM)
    vstrwq_s32(sum, sums);
#else
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
#endif
}
