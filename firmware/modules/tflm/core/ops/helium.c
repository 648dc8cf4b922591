// SPDX-License-Identifier: Apache-2.0
// Sums of products for Helium (Armv8.1-M's vector extension, MVE); dot.c has the reference.
// Predicates come from VCTP only: GCC 12 folds some constant ones wrongly.
#include "dense.h"
#include "int4.h"

#ifdef TFLM_HELIUM

#include <arm_mve.h>

// Sums four channels at a time. It is in assembly because GCC 12 does not generate loads that
// increment their pointer, or a loop whose last iteration handles the rest of sixteen.
void tflm_dense(const int8_t *x, const int8_t *w, uint32_t n, uint32_t stride, uint32_t channels,
                int32_t *sum) {
    uint32_t fours = channels / 4;
    if (fours) {
        const int8_t *at, *w0, *w1, *w2, *w3;
        int32_t sum0, sum1, sum2, sum3;
        __asm__ volatile(
            "1:\n\t"
            "ldr %[at], %[x]\n\t"
            "mov %[w0], %[w]\n\t"
            "add %[w1], %[w], %[stride]\n\t"
            "add %[w2], %[w1], %[stride]\n\t"
            "add %[w3], %[w2], %[stride]\n\t"
            "movs %[sum0], #0\n\t"
            "movs %[sum1], #0\n\t"
            "mov %[sum2], %[sum0]\n\t"
            "mov %[sum3], %[sum0]\n\t"
            "ldr lr, %[n]\n\t"
            "wlstp.8 lr, lr, 3f\n"
            "2:\n\t"
            "vldrb.8 q0, [%[at]], #16\n\t"
            "vldrb.8 q1, [%[w0]], #16\n\t"
            "vmladava.s8 %[sum0], q0, q1\n\t"
            "vldrb.8 q2, [%[w1]], #16\n\t"
            "vmladava.s8 %[sum1], q0, q2\n\t"
            "vldrb.8 q1, [%[w2]], #16\n\t"
            "vmladava.s8 %[sum2], q0, q1\n\t"
            "vldrb.8 q2, [%[w3]], #16\n\t"
            "vmladava.s8 %[sum3], q0, q2\n\t"
            "letp lr, 2b\n"
            "3:\n\t"
            "strd %[sum0], %[sum1], [%[sum]], #8\n\t"
            "strd %[sum2], %[sum3], [%[sum]], #8\n\t"
            "add %[w], %[w], %[stride], lsl #2\n\t"
            "subs %[fours], #1\n\t"
            "bne 1b"
            : [at] "=&r"(at), [w] "+r"(w), [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2),
              [w3] "=&r"(w3), [sum0] "=&Te"(sum0), [sum1] "=&Te"(sum1), [sum2] "=&Te"(sum2),
              [sum3] "=&Te"(sum3), [sum] "+r"(sum), [fours] "+r"(fours)
            : [n] "m"(n), [stride] "r"(stride), [x] "m"(x)
            : "lr", "q0", "q1", "q2", "cc", "memory");
    }
    for (channels %= 4; channels; channels--, w += stride) {
        *sum++ = (int32_t)tflm_dot1(x, 0, w, n);
    }
}

// Sums with products of one channel that fit one register: its weights are loaded once for all
// positions.
static void few_products(const int8_t *x, ptrdiff_t step, const int8_t *w, uint32_t n,
                         uint32_t channels, int32_t *sum) {
    int32_t *to0 = sum, *to1 = to0 + channels, *to2 = to1 + channels, *to3 = to2 + channels;
    int32_t sum0, sum1, sum2, sum3;
    __asm__ volatile(
        "vctp.8 %[n]\n\t"
        "vpst\n\t"
        "vldrbt.8 q0, [%[x]]\n\t"
        "add %[x], %[step]\n\t"
        "vpst\n\t"
        "vldrbt.8 q1, [%[x]]\n\t"
        "add %[x], %[step]\n\t"
        "vpst\n\t"
        "vldrbt.8 q2, [%[x]]\n\t"
        "add %[x], %[step]\n\t"
        "vpst\n\t"
        "vldrbt.8 q3, [%[x]]\n\t"
        "wls lr, %[channels], 2f\n"
        "1:\n\t"
        "vpst\n\t"
        "vldrbt.8 q4, [%[w]]\n\t"
        "add %[w], %[n]\n\t"
        "vmladav.s8 %[sum0], q0, q4\n\t"
        "vmladav.s8 %[sum1], q1, q4\n\t"
        "vmladav.s8 %[sum2], q2, q4\n\t"
        "vmladav.s8 %[sum3], q3, q4\n\t"
        "str %[sum0], [%[to0]], #4\n\t"
        "str %[sum1], [%[to1]], #4\n\t"
        "str %[sum2], [%[to2]], #4\n\t"
        "str %[sum3], [%[to3]], #4\n\t"
        "le lr, 1b\n"
        "2:"
        : [x] "+r"(x), [w] "+r"(w), [sum0] "=&Te"(sum0), [sum1] "=&Te"(sum1), [sum2] "=&Te"(sum2),
          [sum3] "=&Te"(sum3), [to0] "+r"(to0), [to1] "+r"(to1), [to2] "+r"(to2), [to3] "+r"(to3)
        : [n] "r"(n), [step] "r"(step), [channels] "r"(channels)
        : "lr", "q0", "q1", "q2", "q3", "q4", "cc", "memory");
}

void tflm_dense_positions(const int8_t *x, ptrdiff_t step, int32_t offset, const int8_t *w,
                          uint32_t n, uint32_t channels, int32_t *sum) {
    (void)offset; // The offset is in the biases.
    if (n <= 16) {
        few_products(x, step, w, n, channels, sum);
        return;
    }
    for (uint32_t i = 0; i < TFLM_POSITIONS; i++, x += step, sum += channels) {
        tflm_dense(x, w, n, n, channels, sum);
    }
}

uint32_t tflm_dot1(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n) {
    int32_t sum = 0, weights = 0;
    for (uint32_t i = 0; i < n; i += 16) {
        mve_pred16_t some = vctp8q(n - i);
        int8x16_t w16 = vldrbq_z_s8(w + i, some);
        sum = vmladavaq_s8(sum, vldrbq_z_s8(x + i, some), w16);
        weights = vaddvaq_s8(weights, w16);
    }
    return (uint32_t)sum + (uint32_t)offset * (uint32_t)weights;
}

uint32_t tflm_dot_16(const uint8_t *x, const uint8_t *w, uint32_t n) {
    int32_t sum = 0;
    __asm__ volatile("wlstp.16 lr, %[n], 2f\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[x]], #16\n\t"
                     "vldrb.8 q1, [%[w]], #16\n\t"
                     "vmladava.s16 %[sum], q0, q1\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [x] "+r"(x), [w] "+r"(w), [sum] "+Te"(sum)
                     : [n] "r"(n)
                     : "lr", "q0", "q1", "memory");
    return (uint32_t)sum;
}

int32_t tflm_sum_of(const int8_t *x, uint32_t n) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < n; i += 16) {
        sum = vaddvaq_s8(sum, vldrbq_z_s8(x + i, vctp8q(n - i)));
    }
    return sum;
}

// Turns sums into outputs: multiplies, shifts to the right, and adds the zero point. VRSHL rounds
// halves upwards; subtracting one rounds those of negative numbers away from zero. The last
// iteration of the loop handles the rest of four.
#define LOOP(text)                                                                                 \
    "wlstp.32 lr, %[count], 2f\n"                                                                  \
    "1:\n\t"                                                                                       \
    "vldrw.32 q0, [%[sum]], #16\n\t"                                                               \
    "vldrw.32 q1, [%[bias]], #16\n\t"                                                              \
    "vadd.i32 q0, q0, q1\n\t" text "vshr.s32 q2, q2, #31\n\t"                                      \
    "vadd.i32 q0, q0, q2\n\t"                                                                      \
    "vrshl.s32 q0, q0, q1\n\t"                                                                     \
    "vadd.i32 q0, q0, %[zero]\n\t"                                                                 \
    "vmax.s32 q0, q0, %q[low]\n\t"                                                                 \
    "vmin.s32 q0, q0, %q[high]\n\t"                                                                \
    "vstrb.32 q0, [%[output]], #4\n\t"                                                             \
    "letp lr, 1b\n"                                                                                \
    "2:"

static void finish_right(const tflm_stage_t *stage, uint32_t channel, uint32_t count,
                         const int32_t *bias, const int32_t *sum, int8_t *output) {
    int32x4_t low = vdupq_n_s32(stage->low), high = vdupq_n_s32(stage->high);
    const int32_t *multiplier = stage->multiplier + (channel & stage->scale_mask);
    const int8_t *shift = stage->shift + (channel & stage->scale_mask);
    if (stage->scale_mask) {
        __asm__ volatile(
            LOOP("vldrw.32 q1, [%[multiplier]], #16\n\t"
                 "vqrdmulh.s32 q0, q0, q1\n\t"
                 "vldrb.s32 q1, [%[shift]], #4\n\t"
                 "vand q2, q0, q1\n\t")
            : [sum] "+r"(sum), [bias] "+r"(bias), [multiplier] "+r"(multiplier),
              [shift] "+l"(shift), [output] "+l"(output)
            : [count] "r"(count), [zero] "r"(stage->zero_point), [low] "w"(low), [high] "w"(high)
            : "lr", "q0", "q1", "q2", "memory");
        return;
    }
    int32x4_t shifts = vdupq_n_s32(*shift);
    __asm__ volatile(LOOP("vqrdmulh.s32 q0, q0, %[multiplier]\n\t"
                          "vmov q1, %q[shifts]\n\t"
                          "vmov q2, q0\n\t")
                     : [sum] "+r"(sum), [bias] "+r"(bias), [output] "+l"(output)
                     : [count] "r"(count), [multiplier] "r"(*multiplier), [shifts] "w"(shifts),
                       [zero] "r"(stage->zero_point), [low] "w"(low), [high] "w"(high)
                     : "lr", "q0", "q1", "q2", "memory");
}

void tflm_finish_all(const tflm_stage_t *given, uint32_t channel, uint32_t count, uint32_t sums,
                     const int32_t *sum, int8_t *output) {
    // A copy, as the compiler has to assume that outputs alias what is pointed to.
    const tflm_stage_t stage = *given;
    int32_t room[TFLM_SUMS];
    const int32_t *bias = tflm_biases(given, channel, count, room);
    for (const int32_t *end = sum + sums; sum < end; sum += count, output += count) {
        if (!stage.left) {
            finish_right(&stage, channel, count, bias, sum, output);
        } else {
            for (uint32_t i = 0; i < count; i++) {
                uint32_t biased = (uint32_t)sum[i] + (uint32_t)bias[i];
                output[i] = tflm_finish(&stage, channel + i, biased);
            }
        }
    }
}

void tflm_unpack_int4(const uint8_t *packed, int8_t *to, uint32_t n) {
    const int8_t *from = (const int8_t *)packed;
    for (; n >= 32; n -= 32, from += 16, to += 32) {
        int8x16x2_t both;
        int8x16_t pairs = vldrbq_s8(from);
        both.val[0] = vshrq_n_s8(vshlq_n_s8(pairs, 4), 4);
        both.val[1] = vshrq_n_s8(pairs, 4);
        vst2q_s8(to, both);
    }
    for (uint32_t i = 0; i < n; i++) {
        to[i] = (int8_t)((int32_t)((uint32_t)(uint8_t)from[i / 2] << (i % 2 ? 24 : 28)) >> 28);
    }
}

#endif
