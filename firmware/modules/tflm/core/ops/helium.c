// SPDX-License-Identifier: Apache-2.0
// Sums of products for Helium (Armv8.1-M's vector extension, MVE); dot.c has the reference.
// Predicates come from VCTP only: GCC 12 folds some constant ones wrongly.
#include "dense.h"
#include "int4.h"

#ifdef TFLM_HELIUM

#include <arm_mve.h>

// Four channels at a time. In assembly for what GCC 12 does not generate: loads that move their
// pointer on, and a loop whose last turn does what is left of sixteen.
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

// `left`: some shifts are to the left.
static inline int32x4_t scale(int32x4_t sum, int32x4_t multiplier, int32x4_t shift, bool left) {
    int32x4_t right = shift;
    if (left) {
        right = vminq_s32(shift, vdupq_n_s32(0));
        sum = vshlq_s32(sum, vmaxq_s32(shift, vdupq_n_s32(0)));
    }
    sum = vqrdmulhq_s32(sum, multiplier);
    // VRSHL rounds halves upwards: one less makes that away from zero for negative ones.
    sum = vaddq_s32(sum, vshrq_n_s32(vandq_s32(sum, right), 31));
    return vrshlq_s32(sum, right);
}

static inline __attribute__((always_inline)) void finish(const tflm_stage_t stage, uint32_t channel,
                                                         uint32_t count, const int32_t *sum,
                                                         const int32_t *end, const bool left,
                                                         int8_t *output) {
    int32x4_t low = vdupq_n_s32(stage.low), high = vdupq_n_s32(stage.high);
    while (sum < end) {
        const int32_t *bias = stage.bias + channel;
        const int32_t *multiplier = stage.multiplier + (channel & stage.scale_mask);
        const int8_t *shift = stage.shift + (channel & stage.scale_mask);
        uint32_t rest = count;
        for (; rest >= 4 && stage.scale_mask; rest -= 4) {
            int32x4_t value = vaddq_s32(vldrwq_s32(sum), vldrwq_s32(bias));
            value = scale(value, vldrwq_s32(multiplier), vldrbq_s32(shift), left);
            value = vaddq_n_s32(value, stage.zero_point);
            vstrbq_s32(output, vminq_s32(vmaxq_s32(value, low), high));
            sum += 4;
            bias += 4;
            multiplier += 4;
            shift += 4;
            output += 4;
        }
        while (rest > 0) {
            uint32_t some = rest < 4 ? rest : 4;
            mve_pred16_t predicate = vctp32q(some);
            int32x4_t multipliers = vdupq_n_s32(*multiplier), shifts = vdupq_n_s32(*shift);
            if (stage.scale_mask) {
                multipliers = vldrwq_z_s32(multiplier, predicate);
                shifts = vldrbq_z_s32(shift, predicate);
            }
            int32x4_t value = vldrwq_z_s32(sum, predicate);
            value = vaddq_s32(value, vldrwq_z_s32(bias, predicate));
            value = vaddq_n_s32(scale(value, multipliers, shifts, true), stage.zero_point);
            vstrbq_p_s32(output, vminq_s32(vmaxq_s32(value, low), high), predicate);
            sum += some;
            bias += some;
            output += some;
            rest -= some;
        }
    }
}

void tflm_finish_all(const tflm_stage_t *stage, uint32_t channel, uint32_t count, uint32_t sums,
                     const int32_t *sum, int8_t *output) {
    // A copy of the stage: the compiler has to take outputs for something that may lie in it.
    if (stage->left) {
        finish(*stage, channel, count, sum, sum + sums, true, output);
    } else {
        finish(*stage, channel, count, sum, sum + sums, false, output);
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
