// SPDX-License-Identifier: Apache-2.0
// Sums of products for Arm's DSP extension, at four positions at a time: each pair of weights is
// widened once for all of them. dot.c has the reference.
#include "dsp.h"

#include "dense.h"

#ifdef TFLM_DSP

// Products that are summed up between two looks at memory; their inputs take eight bytes each.
enum { CHUNK = 64, POSITIONS = TFLM_POSITIONS };

// Four elements of each position: the even ones' pairs of all positions, then the odd ones'.
static void widen(const int8_t *x, ptrdiff_t step, uint32_t words, uint32_t *pairs) {
    for (uint32_t position = 0; position < POSITIONS; position++, x += step) {
        uint32_t *to = pairs + position;
        for (uint32_t i = 0; i < words; i++, to += 2 * POSITIONS) {
            pairs_t pair = tflm_pairs(tflm_word(x + 4 * i));
            to[0] = pair.even;
            to[POSITIONS] = pair.odd;
        }
    }
}

// Four elements of one channel with those of all positions.
#define ADD_WORD                                                                                   \
    "ldr %[odd], [%[w]], #4\n\t"                                                                   \
    "ldmia %[pairs]!, {r0, r1, r2, r3}\n\t"                                                        \
    "sxtb16 %[even], %[odd]\n\t"                                                                   \
    "smlad %[sum0], r0, %[even], %[sum0]\n\t"                                                      \
    "smlad %[sum1], r1, %[even], %[sum1]\n\t"                                                      \
    "smlad %[sum2], r2, %[even], %[sum2]\n\t"                                                      \
    "smlad %[sum3], r3, %[even], %[sum3]\n\t"                                                      \
    "ldmia %[pairs]!, {r0, r1, r2, r3}\n\t"                                                        \
    "sxtb16 %[odd], %[odd], ror #8\n\t"                                                            \
    "smlad %[sum0], r0, %[odd], %[sum0]\n\t"                                                       \
    "smlad %[sum1], r1, %[odd], %[sum1]\n\t"                                                       \
    "smlad %[sum2], r2, %[odd], %[sum2]\n\t"                                                       \
    "smlad %[sum3], r3, %[odd], %[sum3]\n\t"

// One channel's sums at all positions.
static __attribute__((noinline)) void add_products(const uint32_t *pairs, const int8_t *w,
                                                   uint32_t words, int32_t *sum, uint32_t stride) {
    int32_t sum0 = sum[0], sum1 = sum[stride], sum2 = sum[2 * stride], sum3 = sum[3 * stride];
    const int8_t *end = w + 4 * words;
    uint32_t even, odd;
    // An odd number of words begins in the middle of the loop.
    __asm__ volatile("ldr %[odd], %[words]\n\t"
                     "lsls %[odd], %[odd], #31\n\t"
                     "bne 2f\n"
                     "1:\n\t" ADD_WORD "2:\n\t" ADD_WORD "ldr %[even], %[end]\n\t"
                     "cmp %[w], %[even]\n\t"
                     "bne 1b"
                     : [w] "+r"(w), [pairs] "+r"(pairs), [sum0] "+r"(sum0), [sum1] "+r"(sum1),
                       [sum2] "+r"(sum2), [sum3] "+r"(sum3), [even] "=&r"(even), [odd] "=&r"(odd)
                     : [end] "m"(end), [words] "m"(words)
                     : "r0", "r1", "r2", "r3", "cc", "memory");
    sum[0] = sum0;
    sum[stride] = sum1;
    sum[2 * stride] = sum2;
    sum[3 * stride] = sum3;
}

void tflm_dense_positions(const int8_t *x, ptrdiff_t step, const int8_t *w, uint32_t n,
                          uint32_t channels, int32_t *sum) {
    uint32_t pairs[2 * POSITIONS * CHUNK / 4];
    memset(sum, 0, POSITIONS * channels * sizeof *sum);
    uint32_t whole = n - n % 4;
    for (uint32_t from = 0; from < whole; from += CHUNK) {
        uint32_t words = (whole - from < CHUNK ? whole - from : CHUNK) / 4;
        widen(x + from, step, words, pairs);
        for (uint32_t channel = 0; channel < channels; channel++) {
            add_products(pairs, w + (size_t)channel * n + from, words, sum + channel, channels);
        }
    }
    for (uint32_t channel = 0; whole < n && channel < channels; channel++) {
        for (uint32_t position = 0; position < POSITIONS; position++) {
            sum[position * channels + channel] +=
                (int32_t)tflm_dot1(x + (ptrdiff_t)position * step + whole, 0,
                                   w + (size_t)channel * n + whole, n - whole);
        }
    }
}

// A sum with its bias, in `v`, as a byte. A multiplier that shifts to the right is at least 2^30:
// twice as much, less 2^32, is what a register has, and adding the sum to the high half of the
// product makes up for that. This is what tflm_scale_apply begins with; then it shifts to the
// right, here by one more than the lowest byte of `by`.
#define FINISH(v)                                                                                  \
    "smmlar %[" v "], %[" v "], %[twice], %[" v "]\n\t"                                            \
    "add %[" v "], %[" v "], %[" v "], asr #31\n\t"                                                \
    "asr %[" v "], %[" v "], %[by]\n\t"                                                            \
    "qadd %[" v "], %[" v "], %[rounding]\n\t"                                                     \
    "ssat %[" v "], #8, %[" v "], asr #1\n\t"                                                      \
    "strb %[" v "], [%[output]], #1\n\t"
#define BIASED                                                                                     \
    "ldrd %[v0], %[v1], [%[sum]], #8\n\t"                                                          \
    "ldrd %[a0], %[a1], [%[bias]], #8\n\t"                                                         \
    "add %[v0], %[v0], %[a0]\n\t"                                                                  \
    "add %[v1], %[v1], %[a1]\n\t"
#define FINISH_SCALED                                                                              \
    "ldrd %[a0], %[a1], [%[multiplier]], #8\n\t"                                                   \
    "lsl %[twice], %[a0], #1\n\t" FINISH("v0") "lsr %[by], #8\n\t"                                 \
                                               "lsl %[twice], %[a1], #1\n\t" FINISH("v1")
#define ASM_FINISH(text)                                                                           \
    __asm__ volatile(text                                                                          \
                     : [v0] "=&r"(v0), [v1] "=&r"(v1), [a0] "=&r"(a0), [a1] "=&r"(a1),             \
                       [twice] "+&r"(twice), [by] "+&r"(by), [sum] "+&r"(sum), [bias] "+&r"(bias), \
                       [multiplier] "+&r"(multiplier), [output] "+&r"(output)                      \
                     : [rounding] "r"(rounding)                                                    \
                     : "memory")

// Outputs of channels whose scales all shift to the right, four by four; `count` is a multiple.
static void finish_right(const tflm_stage_t *stage, uint32_t channel, uint32_t count,
                         const int32_t *sum, int8_t *output) {
    const int32_t *bias = stage->bias + channel, *multiplier = stage->multiplier;
    const int8_t *shift = stage->shift, *end = output + count;
    int32_t rounding = 2 * stage->zero_point + 1, v0, v1, a0, a1;
    uint32_t twice = (uint32_t)*multiplier * 2, by = ~(uint32_t)*shift;
    if (stage->scale_mask) {
        multiplier += channel;
        shift += channel;
        while (output < end) {
            by = ~tflm_word(shift);
            shift += 4;
            ASM_FINISH(BIASED FINISH_SCALED "lsr %[by], #8\n\t" BIASED FINISH_SCALED);
        }
    } else {
        while (output < end) {
            ASM_FINISH(BIASED FINISH("v0") FINISH("v1"));
            ASM_FINISH(BIASED FINISH("v0") FINISH("v1"));
        }
    }
}

void tflm_finish_all(const tflm_stage_t *given, uint32_t channel, uint32_t count, uint32_t sums,
                     const int32_t *sum, int8_t *output) {
    // A copy: the compiler has to take outputs for something that may lie in what is pointed to.
    const tflm_stage_t stage = *given;
    uint32_t fours = stage.left ? 0 : count & ~3u;
    bool narrow = stage.low > INT8_MIN || stage.high < INT8_MAX;
    for (const int32_t *end = sum + sums; sum < end; sum += count, output += count) {
        if (fours) {
            finish_right(&stage, channel, fours, sum, output);
        }
        for (uint32_t i = 0; narrow && i < fours; i++) {
            output[i] = (int8_t)tflm_clamp(output[i], stage.low, stage.high);
        }
        for (uint32_t i = fours; i < count; i++) {
            uint32_t biased = (uint32_t)sum[i] + (uint32_t)stage.bias[channel + i];
            output[i] = tflm_finish(&stage, channel + i, biased);
        }
    }
}

#endif
