// SPDX-License-Identifier: Apache-2.0
// Sums of products for Arm's DSP extension. Inputs are widened once for all channels; with four
// positions at a time, each pair of weights is widened once for all of them. dot.c has the
// reference.
#include "dsp.h"

#include "dense.h"

#ifdef TFLM_DSP

// The number of products that are summed in registers before sums go to memory. Their inputs take
// eight bytes each, or two at a single position.
enum { CHUNK = 64, CHUNK_ALONE = 256, POSITIONS = TFLM_POSITIONS };

// Widens four elements of each position at a time, and adds the offset: the pairs of even ones of
// all positions come first, then those of odd ones. Fills up the last four with zeros.
static __attribute__((noinline)) void widen(const int8_t *x, ptrdiff_t step, int32_t offset,
                                            uint32_t n, uint32_t positions, uint32_t *pairs) {
    uint32_t offsets = (uint16_t)offset * 0x10001u, tail = n % 4;
    for (uint32_t position = 0; position < positions; position++, x += step) {
        uint32_t *to = pairs + position;
        for (uint32_t i = 0; i < n / 4; i++, to += 2 * positions) {
            pairs_t pair = tflm_pairs_plus(tflm_word(x + 4 * i), offsets);
            to[0] = pair.even;
            to[positions] = pair.odd;
        }
        if (tail) {
            const int8_t *last = x + n - tail;
            uint32_t third = tail > 2 ? (uint32_t)(last[2] + offset) << 16 : 0;
            to[0] = (uint16_t)(last[0] + offset) | third;
            to[positions] = tail > 1 ? (uint16_t)(last[1] + offset) : 0;
        }
    }
}

TFLM_NOINLINE uint32_t tflm_dsp_in_fours(uint32_t n, uint32_t stride, uint32_t channels) {
    uint32_t beyond = n % 4 ? (4 - n % 4 + stride - 1) / stride : 0;
    return beyond < channels ? channels - beyond : 0;
}

// Multiplies four elements of one channel with those of all positions.
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

// Computes one channel's sums at all positions.
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

void tflm_dense_positions(const int8_t *x, ptrdiff_t step, int32_t offset, const int8_t *w,
                          uint32_t n, uint32_t channels, int32_t *sum) {
    uint32_t pairs[2 * POSITIONS * CHUNK / 4];
    uint32_t quick = tflm_dsp_in_fours(n, n, channels);
    memset(sum, 0, POSITIONS * channels * sizeof *sum);
    for (uint32_t from = 0; from < n; from += CHUNK) {
        uint32_t some = n - from < CHUNK ? n - from : CHUNK;
        widen(x + from, step, offset, some, POSITIONS, pairs);
        for (uint32_t channel = 0; channel < channels; channel++) {
            uint32_t words = (channel < quick ? some + 3 : some) / 4;
            if (words) {
                add_products(pairs, w + (size_t)channel * n + from, words, sum + channel, channels);
            }
        }
    }
    uint32_t whole = n - n % 4;
    for (uint32_t channel = quick; channel < channels; channel++) {
        for (uint32_t position = 0; position < POSITIONS; position++) {
            sum[position * channels + channel] +=
                (int32_t)tflm_dot1(x + (ptrdiff_t)position * step + whole, offset,
                                   w + (size_t)channel * n + whole, n - whole);
        }
    }
}

// Multiplies four elements of one position with those of a channel.
#define ADD_PAIRS(w, sum)                                                                          \
    "ldr %[odd], [%[" w "]], #4\n\t"                                                               \
    "sxtb16 %[even], %[odd]\n\t"                                                                   \
    "sxtb16 %[odd], %[odd], ror #8\n\t"                                                            \
    "smlad %[" sum "], %[x0], %[even], %[" sum "]\n\t"                                             \
    "smlad %[" sum "], %[x1], %[odd], %[" sum "]\n\t"
#define ADD_FOUR                                                                                   \
    "ldrd %[x0], %[x1], [%[pairs]], #8\n\t" ADD_PAIRS("w0", "sum0") ADD_PAIRS("w1", "sum1")        \
        ADD_PAIRS("w2", "sum2") ADD_PAIRS("w3", "sum3")

TFLM_NOINLINE void tflm_dsp_add_channels(const uint32_t *pairs, const int8_t *w, uint32_t words,
                                         uint32_t stride, int32_t *sum) {
    const int8_t *w0 = w, *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    int32_t sum0 = sum[0], sum1 = sum[1], sum2 = sum[2], sum3 = sum[3];
    const int8_t *end = w + 4 * words;
    uint32_t x0, x1, even, odd;
    // An odd number of words begins in the middle of the loop.
    __asm__ volatile(
        "ldr %[odd], %[words]\n\t"
        "lsls %[odd], %[odd], #31\n\t"
        "bne 2f\n"
        "1:\n\t" ADD_FOUR "2:\n\t" ADD_FOUR "ldr %[even], %[end]\n\t"
        "cmp %[w0], %[even]\n\t"
        "bne 1b"
        : [w0] "+&r"(w0), [w1] "+&r"(w1), [w2] "+&r"(w2), [w3] "+&r"(w3), [pairs] "+&r"(pairs),
          [sum0] "+&r"(sum0), [sum1] "+&r"(sum1), [sum2] "+&r"(sum2), [sum3] "+&r"(sum3),
          [x0] "=&r"(x0), [x1] "=&r"(x1), [even] "=&r"(even), [odd] "=&r"(odd)
        : [end] "m"(end), [words] "m"(words)
        : "cc", "memory");
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

void tflm_dense_plus(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n, uint32_t stride,
                     uint32_t channels, int32_t *sum) {
    uint32_t pairs[2 * CHUNK_ALONE / 4];
    uint32_t quick = tflm_dsp_in_fours(n, stride, channels), fours = channels & ~3u;
    memset(sum, 0, fours * sizeof *sum);
    for (uint32_t from = 0; fours && from < n; from += CHUNK_ALONE) {
        uint32_t some = n - from < CHUNK_ALONE ? n - from : CHUNK_ALONE;
        widen(x + from, 0, offset, some, 1, pairs);
        for (uint32_t channel = 0; channel < fours; channel += 4) {
            uint32_t words = (channel + 4 <= quick ? some + 3 : some) / 4;
            const int8_t *at = w + (size_t)channel * stride + from;
            if (words) {
                tflm_dsp_add_channels(pairs, at, words, stride, sum + channel);
            }
        }
    }
    for (uint32_t channel = quick & ~3u; channel < channels; channel++) {
        uint32_t from = channel < fours ? n - n % 4 : 0;
        uint32_t rest = tflm_dot1(x + from, offset, w + (size_t)channel * stride + from, n - from);
        sum[channel] = (int32_t)(rest + (channel < fours ? (uint32_t)sum[channel] : 0));
    }
}

void tflm_dense(const int8_t *x, const int8_t *w, uint32_t n, uint32_t stride, uint32_t channels,
                int32_t *sum) {
    tflm_dense_plus(x, 0, w, n, stride, channels, sum);
}

// Makes a byte in `v` of a sum with its bias. A multiplier that shifts to the right is at least
// 2^30. The register holds twice as much, less 2^32; adding the sum to the high half of the product
// makes up for that. tflm_scale_apply begins likewise, and then shifts to the right: here by one
// more than the lowest byte of `by`.
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

// Finishes channels whose scales all shift to the right, four at a time; `count` is a multiple of
// four.
static void finish_right(const tflm_stage_t *stage, const int32_t *bias, uint32_t channel,
                         uint32_t count, const int32_t *sum, int8_t *output) {
    const int32_t *multiplier = stage->multiplier;
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
        }
    }
}

void tflm_finish_all(const tflm_stage_t *given, uint32_t channel, uint32_t count, uint32_t sums,
                     const int32_t *sum, int8_t *output) {
    // A copy, as the compiler has to assume that outputs alias what is pointed to.
    const tflm_stage_t stage = *given;
    int32_t room[TFLM_SUMS];
    const int32_t *bias = tflm_biases(given, channel, count, room);
    uint32_t fours = stage.left ? 0 : count & ~3u;
    bool narrow = stage.low > INT8_MIN || stage.high < INT8_MAX;
    for (const int32_t *end = sum + sums; sum < end; sum += count, output += count) {
        if (fours) {
            finish_right(&stage, bias, channel, fours, sum, output);
        }
        for (uint32_t i = 0; narrow && i < fours; i++) {
            output[i] = (int8_t)tflm_clamp(output[i], stage.low, stage.high);
        }
        for (uint32_t i = fours; i < count; i++) {
            uint32_t biased = (uint32_t)sum[i] + (uint32_t)bias[i];
            output[i] = tflm_finish(&stage, channel + i, biased);
        }
    }
}

#endif
