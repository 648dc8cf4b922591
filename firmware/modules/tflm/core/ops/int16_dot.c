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

void tflm_int16_sums(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                     uint32_t channels, int32_t *sum) {
    for (; channels >= LANES; channels -= LANES, w += LANES * (size_t)stride, sum += LANES) {
        add(x, w, n, stride, sum);
    }
    for (; channels; channels--, w += stride) {
        *sum++ = (int32_t)tflm_int16_dot((const uint8_t *)x, (const uint8_t *)w, n);
    }
}

void tflm_int16_dense(const uint8_t *x, const uint8_t *w, uint32_t n, uint32_t channels,
                      uint64_t *sum) {
    // Constant inputs may lie anywhere.
    bool aligned = !((uintptr_t)x % sizeof(int16_t));
    for (; aligned && channels >= LANES; channels -= LANES, w += LANES * (size_t)n, sum += LANES) {
        uint64_t all[LANES] = {0, 0, 0, 0};
        for (uint32_t from = 0; from < n; from += TFLM_INT16_PRODUCTS) {
            int32_t part[LANES];
            uint32_t some = n - from < TFLM_INT16_PRODUCTS ? n - from : TFLM_INT16_PRODUCTS;
            tflm_int16_sums((const int16_t *)(const void *)x + from, (const int8_t *)w + from, some,
                            n, LANES, part);
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

// One channel's sum.
static int32_t depthwise_sum(const tflm_patch_t *patch, uint32_t channel, const uint8_t *weights) {
    int32_t sum = 0;
    for (int32_t i = 0; i < patch->rows; i++) {
        const uint8_t *x = patch->input + i * patch->input_row;
        const uint8_t *w = weights + channel + i * patch->weight_row;
        for (int32_t j = patch->columns; j; j--) {
            sum += tflm_int16(x, channel) * (int8_t)*w;
            x += patch->input_column;
            w += patch->weight_column;
        }
    }
    return sum;
}

#if defined(TFLM_HELIUM)

enum { BLOCK = 8 };

static void depthwise_sums(const tflm_patch_t *patch, uint32_t channel, const uint8_t *weights,
                           int32_t *sum) {
    int32x4x2_t sums = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    const uint8_t *first = patch->input + channel * sizeof(int16_t);
    const int8_t *filter = (const int8_t *)weights + channel;
    for (int32_t i = 0; i < patch->rows; i++) {
        const uint8_t *x = first + i * patch->input_row;
        const int8_t *w = filter + i * patch->weight_row;
        for (int32_t j = patch->columns; j; j--) {
            int16x8_t xs = vldrhq_s16((const int16_t *)(const void *)x), ws = vldrbq_s16(w);
            sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(xs, ws));
            sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(xs, ws));
            x += patch->input_column;
            w += patch->weight_column;
        }
    }
    vst2q_s32(sum, sums);
}

void tflm_int16_finish(const tflm_int16_scales_t *scales, const int32_t *sum, uint32_t count,
                       int16_t *output) {
    const int32_t *multiplier = scales->multiplier;
    const int8_t *shift = scales->shift;
    int32x4_t low = vdupq_n_s32(scales->low), high = vdupq_n_s32(scales->high);
    int32x4_t multipliers = vdupq_n_s32(*multiplier), shifts = vdupq_n_s32(*shift);
    for (uint32_t i = 0; i < count; i += 4) {
        mve_pred16_t some = vctp32q(count - i);
        if (!scales->single) {
            multipliers = vldrwq_z_s32(multiplier + i, some);
            shifts = vldrbq_z_s32(shift + i, some);
        }
        // 16 bits of the multiplier, in the upper half of 32.
        int32x4_t upper = vqaddq_n_s32(multipliers, 1 << 15);
        upper = vshlq_n_s32(vshrq_n_s32(upper, 16), 16);
        int32x4_t value = vmulhq_s32(vldrwq_z_s32(sum + i, some), upper);
        value = vrshlq_s32(value, vaddq_n_s32(shifts, 1));
        vstrhq_p_s32(output + i, vminq_s32(vmaxq_s32(value, low), high), some);
    }
}

#else

enum { BLOCK = 4 };

static void depthwise_sums(const tflm_patch_t *patch, uint32_t channel, const uint8_t *weights,
                           int32_t *sum) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    const uint8_t *first = patch->input + channel * sizeof(int16_t);
    const int8_t *filter = (const int8_t *)weights + channel;
    for (int32_t i = 0; i < patch->rows; i++) {
        const uint8_t *at = first + i * patch->input_row;
        const int8_t *w = filter + i * patch->weight_row;
        for (int32_t j = patch->columns; j; j--) {
#ifdef TFLM_DSP
            uint32_t low = tflm_word(at), high = tflm_word(at + 4);
            pairs_t ws = tflm_pairs(tflm_word(w));
            __asm__("smlabb %0, %1, %2, %0" : "+r"(sum0) : "r"(low), "r"(ws.even));
            __asm__("smlatb %0, %1, %2, %0" : "+r"(sum1) : "r"(low), "r"(ws.odd));
            __asm__("smlabt %0, %1, %2, %0" : "+r"(sum2) : "r"(high), "r"(ws.even));
            __asm__("smlatt %0, %1, %2, %0" : "+r"(sum3) : "r"(high), "r"(ws.odd));
#else
            const int16_t *x = (const int16_t *)(const void *)at;
            sum0 += x[0] * w[0];
            sum1 += x[1] * w[1];
            sum2 += x[2] * w[2];
            sum3 += x[3] * w[3];
#endif
            at += patch->input_column;
            w += patch->weight_column;
        }
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

void tflm_int16_finish(const tflm_int16_scales_t *given, const int32_t *sum, uint32_t count,
                       int16_t *output) {
    const tflm_int16_scales_t scales = *given;
    uint32_t step = !scales.single;
    const int32_t *multiplier = scales.multiplier;
    const int8_t *shift = scales.shift;
    for (int16_t *end = output + count; output < end; multiplier += step, shift += step) {
        // 16 bits of the multiplier, in the upper half of 32.
        int32_t upper =
            *multiplier < 0x7fff0000 ? (*multiplier + (1 << 15)) & -(1 << 16) : 0x7fff0000;
        int32_t value = (int32_t)(((int64_t)*sum++ * upper) >> 32), right = -*shift - 2;
        value = ((value >> right) + 1) >> 1;
        *output++ = (int16_t)tflm_clamp(value, scales.low, scales.high);
    }
}

#endif

void tflm_int16_depthwise(const tflm_patch_t *patch, const uint8_t *weights, uint32_t count,
                          int32_t *sum) {
    if (count < BLOCK || (uintptr_t)patch->input % sizeof(int16_t)) {
        for (uint32_t i = 0; i < count; i++) {
            sum[i] = depthwise_sum(patch, i, weights);
        }
        return;
    }
    for (uint32_t i = 0; i < count; i += BLOCK) {
        // The last ones may be summed up twice.
        uint32_t channel = i + BLOCK > count ? count - BLOCK : i;
        depthwise_sums(patch, channel, weights, sum + channel);
    }
}
