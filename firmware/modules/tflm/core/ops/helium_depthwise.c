// SPDX-License-Identifier: Apache-2.0
// Sums of DEPTHWISE_CONV_2D for Helium; depthwise_sums.c has the reference.
#include "depthwise.h"

#ifdef TFLM_HELIUM

#include <arm_mve.h>

// Channels that are summed side by side.
enum { BLOCK = 8 };

// Adds the products of even channels to one register, and of odd ones to the next. It is in
// assembly because GCC 12 orders several loads such that it runs out of registers.
#define ADD_PRODUCTS(loads, x, w, even, odd)                                                       \
    __asm__ volatile(loads "vadd.i16 q0, q0, %[offset]\n\t"                                        \
                           "vmullb.s16 q2, q0, q1\n\t"                                             \
                           "vadd.i32 " even ", " even ", q2\n\t"                                   \
                           "vmullt.s16 q0, q0, q1\n\t"                                             \
                           "vadd.i32 " odd ", " odd ", q0"                                         \
                     : "+w"(even0), "+w"(odd0), "+w"(even8), "+w"(odd8)                            \
                     : [x_] "l"(x), [w_] "l"(w), [offset] "r"(taps->offset), [at] "w"(offsets)     \
                     : "q0", "q1", "q2", "memory")
#define LOAD(at) "vldrb.s16 q0, [%[x_], #" at "]\n\tvldrb.s16 q1, [%[w_], #" at "]\n\t"
#define LOAD_SPREAD "vldrb.s16 q0, [%[x_]]\n\tvldrb.s16 q1, [%[w_], %q[at]]\n\t"

// BLOCK channels, TWICE as many, or BLOCK whose weights are SPREAD to `offsets`.
enum { ONCE, TWICE, SPREAD };
static inline __attribute__((always_inline)) void sum_blocks(const tflm_depthwise_taps_t *taps,
                                                             const int8_t *x, const int8_t *w,
                                                             uint16x8_t offsets, const int how,
                                                             int32_t *sum) {
    // VST2 needs neighbouring registers.
    register int32x4_t even0 __asm__("q4") = vdupq_n_s32(0);
    register int32x4_t odd0 __asm__("q5") = vdupq_n_s32(0);
    register int32x4_t even8 __asm__("q6") = vdupq_n_s32(0);
    register int32x4_t odd8 __asm__("q7") = vdupq_n_s32(0);
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        TFLM_FOR_COLUMNS(taps, taps->columns, xj, wj, {
            if (how == SPREAD) {
                ADD_PRODUCTS(LOAD_SPREAD, xj, wj, "q4", "q5");
            } else {
                ADD_PRODUCTS(LOAD("0"), xj, wj, "q4", "q5");
            }
            if (how == TWICE) {
                ADD_PRODUCTS(LOAD("8"), xj, wj, "q6", "q7");
            }
        });
        x += taps->input_row;
        w += taps->weight_row;
    }
    __asm__ volatile("vst20.32 {q4, q5}, [%2]\n\tvst21.32 {q4, q5}, [%2]"
                     :
                     : "w"(even0), "w"(odd0), "r"(sum)
                     : "memory");
    if (how == TWICE) {
        __asm__ volatile("vst20.32 {q6, q7}, [%2]\n\tvst21.32 {q6, q7}, [%2]"
                         :
                         : "w"(even8), "w"(odd8), "r"(sum + BLOCK)
                         : "memory");
    }
}

static inline __attribute__((always_inline)) void
sum_shared(const tflm_depthwise_taps_t *taps, const int8_t *x, const int8_t *w, int32_t *sum) {
    int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        TFLM_FOR_COLUMNS(taps, taps->columns, xj, wj, {
            int32_t value = *xj + taps->offset;
            low = vmlaq_n_s32(low, vldrbq_s32(wj), value);
            high = vmlaq_n_s32(high, vldrbq_s32(wj + 4), value);
        });
        x += taps->input_row;
        w += taps->weight_row;
    }
    vstrwq_s32(sum, low);
    vstrwq_s32(sum + 4, high);
}

// Sums up to BLOCK channels, each from the input channel at its offset.
static TFLM_NOINLINE void sum_few(const tflm_depthwise_taps_t *taps, const int8_t *x,
                                  const int8_t *w, uint16x8_t offsets, uint32_t count,
                                  int32_t *sum) {
    mve_pred16_t some = vctp16q(count);
    int32x4x2_t sums = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        for (int32_t j = taps->columns; j > 0; j--) {
            int16x8_t xs = vldrbq_gather_offset_z_s16(xj, offsets, some);
            int16x8_t ws = vldrbq_z_s16(wj, some);
            xs = vaddq_n_s16(xs, (int16_t)taps->offset);
            sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(xs, ws));
            sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(xs, ws));
            xj += taps->input_column;
            wj += taps->weight_column;
        }
        x += taps->input_row;
        w += taps->weight_row;
    }
    vst2q_s32(sum, sums);
}

// Returns the offsets of BLOCK channels' input channels from that of the first, before which
// `phase` other channels have the same input channel.
static uint16x8_t offsets_of(uint32_t multiplier, uint32_t phase) {
    uint16_t offsets[BLOCK], at = 0;
    for (uint32_t i = 0; i < BLOCK; i++, phase++) {
        if (phase == multiplier) {
            phase = 0;
            at++;
        }
        offsets[i] = at;
    }
    return vldrhq_u16(offsets);
}

void tflm_depthwise_sums(const tflm_depthwise_taps_t *given, uint32_t multiplier, uint32_t channel,
                         uint32_t count, uint32_t positions, int32_t *sum) {
    tflm_depthwise_taps_t taps = *given; // A copy, which no sum can alias.
    const int8_t *w = taps.weights + channel;
    bool own = multiplier == 1, shared = multiplier % BLOCK == 0;
    uint32_t phase = UINT32_MAX;
    uint16x8_t offsets = vdupq_n_u16(0);
    for (; positions; positions--, sum += count, taps.input += taps.step) {
        for (uint32_t i = 0, some; own && i < count; i += some) {
            uint32_t at = i % taps.period, left = count - i;
            uint32_t whole = taps.period - at < left ? taps.period - at : left;
            const int8_t *x = taps.input + channel + i;
            some = BLOCK;
            if (whole >= 2 * BLOCK) {
                some = 2 * BLOCK;
                sum_blocks(&taps, x, w + at, offsets, TWICE, sum + i);
            } else if (whole >= BLOCK) {
                sum_blocks(&taps, x, w + at, offsets, ONCE, sum + i);
            } else if (count >= BLOCK) {
                some = left < BLOCK ? left : BLOCK;
                uint32_t from = i + some - BLOCK; // Some may be summed twice.
                offsets = viwdupq_n_u16(from % taps.period, taps.period, 1);
                sum_blocks(&taps, x + some - BLOCK, w, offsets, SPREAD, sum + from);
            } else {
                some = whole;
                sum_few(&taps, x, w + at, vidupq_n_u16(0, 1), some, sum + i);
            }
        }
        for (uint32_t i = 0; !own && i < count; i += BLOCK) {
            const int8_t *x = taps.input + (channel + i) / multiplier;
            uint32_t some = count - i < BLOCK ? count - i : BLOCK;
            if (shared) {
                sum_shared(&taps, x, w + i, sum + i);
                continue;
            }
            if (phase != (channel + i) % multiplier) {
                phase = (channel + i) % multiplier;
                offsets = offsets_of(multiplier, phase);
            }
            sum_few(&taps, x, w + i, offsets, some, sum + i);
        }
    }
}

#endif
