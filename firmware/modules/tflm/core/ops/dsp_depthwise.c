// SPDX-License-Identifier: Apache-2.0
// Sums of DEPTHWISE_CONV_2D for Arm's DSP extension; depthwise_sums.c has the reference.
#include "depthwise.h"

#ifdef TFLM_DSP

#include "dsp.h"

// Channels that are summed side by side.
enum { BLOCK = 4 };

// One tap of four channels, at x + `at` and w + `at`; the assembler takes `at` as an offset.
#define DSP_TAP(x_at, w_at)                                                                        \
    "ldr %[xo], [%[x_]" x_at "]\n\t"                                                               \
    "ldr %[wo], [%[w_]" w_at "]\n\t"                                                               \
    "sxtab16 %[xe], %[offsets_], %[xo]\n\t"                                                        \
    "sxtab16 %[xo], %[offsets_], %[xo], ror #8\n\t"                                                \
    "sxtb16 %[we], %[wo]\n\t"                                                                      \
    "sxtb16 %[wo], %[wo], ror #8\n\t"                                                              \
    "smlabb %[sum0_], %[xe], %[we], %[sum0_]\n\t"                                                  \
    "smlabb %[sum1_], %[xo], %[wo], %[sum1_]\n\t"                                                  \
    "smlatt %[sum2_], %[xe], %[we], %[sum2_]\n\t"                                                  \
    "smlatt %[sum3_], %[xo], %[wo], %[sum3_]\n\t"
#define ADD_TAPS(x, w, tflm_depthwise_taps_text)                                                   \
    do {                                                                                           \
        uint32_t xe, xo, we, wo;                                                                   \
        __asm__ volatile(                                                                          \
            tflm_depthwise_taps_text                                                               \
            : [sum0_] "+r"(sum0), [sum1_] "+r"(sum1), [sum2_] "+r"(sum2), [sum3_] "+r"(sum3),      \
              [xe] "=&r"(xe), [xo] "=&r"(xo), [we] "=&r"(we), [wo] "=&r"(wo)                       \
            : [x_] "r"(x), [w_] "r"(w), [offsets_] "r"(offsets), [xc] "r"(taps->input_column),     \
              [wc] "r"(taps->weight_column)                                                        \
            : "memory");                                                                           \
    } while (0)

static inline void sum_own(const tflm_depthwise_taps_t *taps, const int8_t *x, const int8_t *w,
                           int32_t *sum) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    uint32_t offsets = (uint16_t)taps->offset * 0x10001u;
    int32_t rows = taps->rows;
    for (; rows > 0 && taps->columns == 3; rows--) {
        ADD_TAPS(x, w,
                 DSP_TAP("", "") DSP_TAP(", %[xc]", ", %[wc]")
                     DSP_TAP(", %[xc], lsl #1", ", %[wc], lsl #1"));
        x += taps->input_row;
        w += taps->weight_row;
    }
    for (; rows > 0; rows--) {
        const int8_t *xj = x, *wj = w;
        for (int32_t j = taps->columns; j > 0; j--) {
            ADD_TAPS(xj, wj, DSP_TAP("", ""));
            xj += taps->input_column;
            wj += taps->weight_column;
        }
        x += taps->input_row;
        w += taps->weight_row;
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

// One tap of four channels that share an input, which is a half of `xs`.
#define SHARED_TAP(w_at, half, xs)                                                                 \
    "ldr %[wo], [%[w_]" w_at "]\n\t"                                                               \
    "sxtb16 %[we], %[wo]\n\t"                                                                      \
    "sxtb16 %[wo], %[wo], ror #8\n\t"                                                              \
    "smla" half "b %[sum0_], %[" xs "], %[we], %[sum0_]\n\t"                                       \
    "smla" half "b %[sum1_], %[" xs "], %[wo], %[sum1_]\n\t"                                       \
    "smla" half "t %[sum2_], %[" xs "], %[we], %[sum2_]\n\t"                                       \
    "smla" half "t %[sum3_], %[" xs "], %[wo], %[sum3_]\n\t"

static inline void sum_shared(const tflm_depthwise_taps_t *taps, const int8_t *x, const int8_t *w,
                              int32_t *sum) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    uint32_t offsets = (uint16_t)taps->offset * 0x10001u;
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        int32_t left = taps->columns;
        for (; left >= 4 && taps->input_column == 1; left -= 4) {
            uint32_t xe, xo, we, wo;
            // Four taps whose inputs are neighbours.
            __asm__ volatile("ldr %[xo], [%[x]], #4\n\t"
                             "sxtab16 %[xe], %[offsets], %[xo]\n\t"
                             "sxtab16 %[xo], %[offsets], %[xo], ror #8\n\t" //
                             SHARED_TAP("", "b", "xe")                      //
                             SHARED_TAP(", %[wc]", "b", "xo")               //
                             SHARED_TAP(", %[wc], lsl #1", "t", "xe")       //
                             "add %[w_], %[wc]\n\t"                         //
                             SHARED_TAP(", %[wc], lsl #1", "t", "xo")       //
                             "add %[w_], %[wc]\n\t"
                             "add %[w_], %[w_], %[wc], lsl #1"
                             : [sum0_] "+r"(sum0), [sum1_] "+r"(sum1), [sum2_] "+r"(sum2),
                               [sum3_] "+r"(sum3), [xe] "=&r"(xe), [xo] "=&r"(xo), [we] "=&r"(we),
                               [wo] "=&r"(wo), [x] "+&r"(xj), [w_] "+&r"(wj)
                             : [offsets] "r"(offsets), [wc] "r"(taps->weight_column)
                             : "memory");
        }
        for (; left > 0; left--) {
            pairs_t weight = tflm_pairs(tflm_word(wj));
            int32_t value = *xj + taps->offset;
            __asm__("smlabb %0, %1, %2, %0" : "+r"(sum0) : "r"(value), "r"(weight.even));
            __asm__("smlabb %0, %1, %2, %0" : "+r"(sum1) : "r"(value), "r"(weight.odd));
            __asm__("smlabt %0, %1, %2, %0" : "+r"(sum2) : "r"(value), "r"(weight.even));
            __asm__("smlabt %0, %1, %2, %0" : "+r"(sum3) : "r"(value), "r"(weight.odd));
            xj += taps->input_column;
            wj += taps->weight_column;
        }
        x += taps->input_row;
        w += taps->weight_row;
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
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
