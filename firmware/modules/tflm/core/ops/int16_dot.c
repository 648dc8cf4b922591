// SPDX-License-Identifier: Apache-2.0
// Sums of products of int16 and int8, in which inference on int16 spends its time. The portable
// functions are the reference for those for Helium and Arm's DSP extension.
#include "int16.h"

#include <string.h>

#include "target.h"

#if defined(TFLM_HELIUM)
#include <arm_mve.h>
#elif defined(TFLM_DSP)
#include "dsp.h"
#endif

enum { LANES = 4 };

#if defined(TFLM_HELIUM)

// As tflm_dense in helium.c, for LANES channels at a time; returns how many it did.
static uint32_t add_lanes(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                          uint32_t channels, int32_t *sum) {
    // VLDRB needs low registers. These are odd, as VMLADAVA needs even ones for the others.
    register const int8_t *w0 __asm__("r1"), *w1 __asm__("r3"), *w2 __asm__("r5"),
        *w3 __asm__("r7");
    const int16_t *at;
    int32_t sum0, sum1, sum2, sum3;
    uint32_t fours = channels / LANES;
    if (fours) {
        __asm__ volatile(
            "1:\n\t"
            "ldr lr, %[stride]\n\t"
            "ldr %[at], %[x]\n\t"
            "mov %[w0], %[w]\n\t"
            "add %[w1], %[w0], lr\n\t"
            "add %[w2], %[w1], lr\n\t"
            "add %[w3], %[w2], lr\n\t"
            "add %[w], %[w3], lr\n\t"
            "mov %[sum0], #0\n\t"
            "mov %[sum1], #0\n\t"
            "mov %[sum2], #0\n\t"
            "mov %[sum3], #0\n\t"
            "ldr lr, %[n]\n\t"
            "wlstp.16 lr, lr, 3f\n"
            "2:\n\t"
            "vldrh.16 q0, [%[at]], #16\n\t"
            "vldrb.s16 q1, [%[w0]], #8\n\t"
            "vmladava.s16 %[sum0], q0, q1\n\t"
            "vldrb.s16 q2, [%[w1]], #8\n\t"
            "vmladava.s16 %[sum1], q0, q2\n\t"
            "vldrb.s16 q1, [%[w2]], #8\n\t"
            "vmladava.s16 %[sum2], q0, q1\n\t"
            "vldrb.s16 q2, [%[w3]], #8\n\t"
            "vmladava.s16 %[sum3], q0, q2\n\t"
            "letp lr, 2b\n"
            "3:\n\t"
            "strd %[sum0], %[sum1], [%[sum]], #8\n\t"
            "strd %[sum2], %[sum3], [%[sum]], #8\n\t"
            "subs %[fours], #1\n\t"
            "bne 1b"
            : [at] "=&r"(at), [w] "+r"(w), [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2),
              [w3] "=&r"(w3), [sum0] "=&Te"(sum0), [sum1] "=&Te"(sum1), [sum2] "=&Te"(sum2),
              [sum3] "=&Te"(sum3), [sum] "+r"(sum), [fours] "+r"(fours)
            : [n] "m"(n), [stride] "m"(stride), [x] "m"(x)
            : "lr", "q0", "q1", "q2", "cc", "memory");
    }
    return channels - channels % LANES;
}

#elif !defined(TFLM_DSP)

static uint32_t add_lanes(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                          uint32_t channels, int32_t *sum) {
    uint32_t done = 0;
    for (; done + LANES <= channels; done += LANES, w += LANES * (size_t)stride, sum += LANES) {
        const int8_t *w1 = w + stride, *w2 = w1 + stride, *w3 = w2 + stride;
        int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        for (uint32_t i = 0; i < n; i++) {
            int32_t value = x[i];
            sum0 += value * w[i];
            sum1 += value * w1[i];
            sum2 += value * w2[i];
            sum3 += value * w3[i];
        }
        sum[0] = sum0;
        sum[1] = sum1;
        sum[2] = sum2;
        sum[3] = sum3;
    }
    return done;
}

#endif

#ifdef TFLM_DSP

// Arranges fours of elements as weights will be: the pair of even ones, then that of odd ones.
// Fills up the last four with zeros.
static void pair(const int16_t *x, uint32_t n, uint32_t *pairs) {
    for (const int16_t *end = x + (n & ~3u); x < end; x += 4, pairs += 2) {
        uint32_t low = tflm_word(x), high = tflm_word(x + 2);
        __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pairs[0]) : "r"(low), "r"(high));
        __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(pairs[1]) : "r"(low), "r"(high));
    }
    if (n % 4) {
        pairs[0] = (uint16_t)x[0] | (n % 4 > 2 ? (uint32_t)x[2] << 16 : 0);
        pairs[1] = n % 4 > 1 ? (uint16_t)x[1] : 0;
    }
}

void tflm_int16_sums(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                     uint32_t channels, int32_t *sum) {
    uint32_t pairs[TFLM_INT16_PRODUCTS / 2];
    uint32_t quick = tflm_dsp_in_fours(n, stride, channels), fours = channels & ~3u;
    memset(sum, 0, channels * sizeof *sum);
    pair(x, n, pairs);
    for (uint32_t channel = 0; channel < fours; channel += LANES) {
        uint32_t words = (channel + LANES <= quick ? n + 3 : n) / 4;
        if (words) {
            tflm_dsp_add_channels(pairs, w + (size_t)channel * stride, words, stride,
                                  sum + channel);
        }
    }
    for (uint32_t channel = quick & ~3u; channel < channels; channel++) {
        uint32_t from = channel < fours ? n - n % 4 : 0;
        const int8_t *rest = w + (size_t)channel * stride + from;
        sum[channel] +=
            (int32_t)tflm_int16_dot((const uint8_t *)(x + from), (const uint8_t *)rest, n - from);
    }
}

#else

void tflm_int16_sums(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                     uint32_t channels, int32_t *sum) {
    for (uint32_t i = add_lanes(x, w, n, stride, channels, sum); i < channels; i++) {
        const uint8_t *weights = (const uint8_t *)w + (size_t)i * stride;
        sum[i] = (int32_t)tflm_int16_dot((const uint8_t *)x, weights, n);
    }
}

#endif

void tflm_int16_dense(const uint8_t *x, const uint8_t *w, uint32_t n, uint32_t channels,
                      uint64_t *sum) {
    enum { CHANNELS = 32 };
    // Constant inputs may be unaligned.
    for (uint32_t some; channels; channels -= some, w += some * (size_t)n, sum += some) {
        some = (uintptr_t)x % sizeof(int16_t) ? 1 : channels < CHANNELS ? channels : CHANNELS;
        if (some == 1) {
            *sum = tflm_int16_dot(x, w, n);
            continue;
        }
        memset(sum, 0, some * sizeof *sum);
        for (uint32_t from = 0, count; from < n; from += count) {
            int32_t part[CHANNELS];
            count = n - from < TFLM_INT16_PRODUCTS ? n - from : TFLM_INT16_PRODUCTS;
            tflm_int16_sums((const int16_t *)(const void *)x + from, (const int8_t *)w + from,
                            count, n, some, part);
            for (uint32_t i = 0; i < some; i++) {
                sum[i] += (uint64_t)(int64_t)part[i];
            }
        }
    }
}

// Returns one channel's sum.
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

// Sums `some` of BLOCK channels, or all of them, which is faster.
static inline __attribute__((always_inline)) void
depthwise_some(const tflm_patch_t *patch, uint32_t channel, const uint8_t *weights, const bool all,
               mve_pred16_t some, int32_t *sum) {
    int32x4x2_t sums = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    const uint8_t *first = patch->input + channel * sizeof(int16_t);
    const int8_t *filter = (const int8_t *)weights + channel;
    for (int32_t i = 0; i < patch->rows; i++) {
        const int16_t *x = (const int16_t *)(const void *)(first + i * patch->input_row);
        const int8_t *w = filter + i * patch->weight_row;
        for (int32_t j = patch->columns; j; j--) {
            int16x8_t xs = all ? vldrhq_s16(x) : vldrhq_z_s16(x, some);
            int16x8_t ws = all ? vldrbq_s16(w) : vldrbq_z_s16(w, some);
            sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(xs, ws));
            sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(xs, ws));
            x += patch->input_column / (ptrdiff_t)sizeof *x;
            w += patch->weight_column;
        }
    }
    vst2q_s32(sum, sums);
}

static void depthwise_sums(const tflm_patch_t *patch, uint32_t channel, const uint8_t *weights,
                           int32_t *sum) {
    depthwise_some(patch, channel, weights, true, 0, sum);
}

static void add_biases(const uint8_t *bias, uint32_t count, int32_t *sum) {
    if ((uintptr_t)bias % sizeof(int32_t)) {
        for (uint32_t i = 0; i < count; i++) {
            sum[i] += (int32_t)tflm_load_u32(bias + i * sizeof(int64_t));
        }
        return;
    }
    uint32x4_t lower = vidupq_n_u32(0, 2); // Halves of four biases.
    __asm__ volatile("wlstp.32 lr, %[count], 2f\n"
                     "1:\n\t"
                     "vldrw.u32 q0, [%[sum]]\n\t"
                     "vldrw.u32 q1, [%[bias], %q[lower], uxtw #2]\n\t"
                     "vadd.i32 q0, q0, q1\n\t"
                     "adds %[bias], #32\n\t"
                     "vstrw.32 q0, [%[sum]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [sum] "+r"(sum), [bias] "+r"(bias)
                     : [count] "r"(count), [lower] "w"(lower)
                     : "lr", "q0", "q1", "cc", "memory");
}

// The multiplier's 16 bits are in the upper half of 32.
#define FINISH(multiplier, shift)                                                                  \
    "wlstp.32 lr, %[count], 2f\n"                                                                  \
    "1:\n\t" multiplier "vqadd.s32 q1, q1, %[rounding]\n\t"                                        \
    "vldrw.u32 q0, [%[sum]], #16\n\t"                                                              \
    "vshr.s32 q1, q1, #16\n\t"                                                                     \
    "vshl.i32 q1, q1, #16\n\t"                                                                     \
    "vmulh.s32 q0, q0, q1\n\t" shift "vadd.i32 q1, q1, %[one]\n\t"                                 \
    "vrshl.s32 q0, q0, q1\n\t"                                                                     \
    "vmax.s32 q0, q0, %q[low]\n\t"                                                                 \
    "vmin.s32 q0, q0, %q[high]\n\t"                                                                \
    "vstrh.32 q0, [%[output]], #8\n\t"                                                             \
    "letp lr, 1b\n"                                                                                \
    "2:"

void tflm_int16_finish(const tflm_stage_t *stage, const uint8_t *bias, uint32_t channel,
                       uint32_t count, int32_t *sum, int16_t *output) {
    const int32_t *multiplier = stage->multiplier + (channel & stage->scale_mask);
    const int8_t *shift = stage->shift + (channel & stage->scale_mask);
    int32x4_t low = vdupq_n_s32(stage->low), high = vdupq_n_s32(stage->high);
    if (bias) {
        add_biases(bias + channel * sizeof(int64_t), count, sum);
    }
    if (!stage->scale_mask) {
        int32x4_t shifts = vdupq_n_s32(*shift);
        __asm__ volatile(FINISH("vdup.32 q1, %[multiplier]\n\t", "vmov q1, %q[shifts]\n\t")
                         : [sum] "+r"(sum), [output] "+l"(output)
                         : [count] "r"(count), [multiplier] "r"(*multiplier), [shifts] "w"(shifts),
                           [rounding] "r"(1 << 15), [one] "r"(1), [low] "w"(low), [high] "w"(high)
                         : "lr", "q0", "q1", "memory");
        return;
    }
    __asm__ volatile(
        FINISH("vldrw.u32 q1, [%[multiplier]], #16\n\t", "vldrb.s32 q1, [%[shift]], #4\n\t")
        : [sum] "+r"(sum), [output] "+l"(output), [multiplier] "+r"(multiplier), [shift] "+l"(shift)
        :
        [count] "r"(count), [rounding] "r"(1 << 15), [one] "r"(1), [low] "w"(low), [high] "w"(high)
        : "lr", "q0", "q1", "memory");
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

void tflm_int16_finish(const tflm_stage_t *given, const uint8_t *bias, uint32_t channel,
                       uint32_t count, int32_t *sum, int16_t *output) {
    const tflm_stage_t stage = *given;
    uint32_t step = stage.scale_mask & 1;
    const int32_t *multiplier = stage.multiplier + (channel & stage.scale_mask);
    const int8_t *shift = stage.shift + (channel & stage.scale_mask);
    if (bias) {
        bias += channel * sizeof(int64_t);
    }
    for (int16_t *end = output + count; output < end; multiplier += step, shift += step) {
        int32_t value = *sum++, upper, lower = 0, right = -*shift - 2;
        if (bias) {
            memcpy(&lower, bias, sizeof lower);
            bias += sizeof(int64_t);
        }
        value += lower;
        // The multiplier's 16 bits are in the upper half of 32.
#ifdef TFLM_DSP
        __asm__("qadd %0, %1, %2" : "=r"(upper) : "r"(*multiplier), "r"(1 << 15));
        upper &= -(1 << 16);
        __asm__("smmul %0, %0, %1" : "+r"(value) : "r"(upper));
#else
        upper = *multiplier < 0x7fff0000 ? (*multiplier + (1 << 15)) & -(1 << 16) : 0x7fff0000;
        value = (int32_t)(((int64_t)value * upper) >> 32);
#endif
        value = ((value >> right) + 1) >> 1;
        *output++ = (int16_t)tflm_clamp(value, stage.low, stage.high);
    }
}

#endif

void tflm_int16_depthwise(const tflm_patch_t *patch, const uint8_t *weights, uint32_t count,
                          int32_t *sum) {
    bool aligned = !((uintptr_t)patch->input % sizeof(int16_t));
#ifdef TFLM_HELIUM
    if (aligned && count < BLOCK) {
        depthwise_some(patch, 0, weights, false, vctp16q(count), sum);
        return;
    }
#endif
    if (count < BLOCK || !aligned) {
        for (uint32_t i = 0; i < count; i++) {
            sum[i] = depthwise_sum(patch, i, weights);
        }
        return;
    }
    for (uint32_t i = 0; i < count; i += BLOCK) {
        // The last ones may be summed twice.
        uint32_t channel = i + BLOCK > count ? count - BLOCK : i;
        depthwise_sums(patch, channel, weights, sum + channel);
    }
}
