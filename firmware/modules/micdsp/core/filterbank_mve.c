// SPDX-License-Identifier: Apache-2.0
// filterbank.c for Helium and an FPU.
#include "bits.h"

#if MICDSP_MVE

#include "stages.h"
#include "tables.h"
#include <arm_mve.h>

// Adds up the bins before `end`, and each times its weight; there is at least one.
static inline uint32_t band(const uint32_t *bin, const uint32_t *end, const uint16_t *weights,
                            uint64_t *weighted) {
    // GCC 12 generates no tail-predicated loops. The instructions need even registers, and pairs.
    register uint32_t low __asm__("r2") = 0, high __asm__("r3") = 0, sum __asm__("r4") = 0;
    __asm__("dlstp.32 lr, %[bins]\n"
            "1: vldrw.u32 q0, [%[bin]], #16\n"
            "vldrh.u32 q1, [%[weights]], #8\n"
            "vaddva.u32 %[sum], q0\n"
            "vmlaldava.u32 %[low], %[high], q0, q1\n"
            "letp lr, 1b\n"
            : [bin] "+r"(bin), [weights] "+l"(weights), [sum] "+r"(sum), [low] "+r"(low),
              [high] "+r"(high)
            : [bins] "r"(end - bin)
            : "lr", "q0", "q1", "memory");
    *weighted = (uint64_t)high << 32 | low;
    return sum;
}

static inline float32x4_t square_roots(float32x4_t x) {
    float each[4];
    vst1q_f32(each, x);
    for (int i = 0; i < 4; i++) {
        __asm__("vsqrt.f32 %0, %0" : "+t"(each[i]));
    }
    return vld1q_f32(each);
}

// Returns -1 where x is negative, else 0.
static inline int32x4_t negative(int32x4_t x) {
    return vshrq_n_s32(x, 31);
}

// Square roots rounded to nearest, of numbers below 2^42; see filterbank.c.
static inline uint32x4_t rounded_sqrts(uint32x4_t low, uint32x4_t high) {
    float32x4_t x = vfmaq_n_f32(vcvtq_f32_u32(low), vcvtq_f32_u32(high), 4294967296.0f);
    // At most 1 from the root rounded down: the rest fits 32 bits, and is below 0 or above twice
    // the root if the root is wrong.
    int32x4_t root = vreinterpretq_s32_u32(vcvtq_u32_f32(square_roots(x)));
    int32x4_t rest = vsubq_s32(vreinterpretq_s32_u32(low), vmulq_s32(root, root));
    int32x4_t twice = vaddq_s32(root, root);
    int32x4_t less = negative(rest), more = negative(vsubq_s32(twice, rest));
    rest = vaddq_s32(rest, vandq_s32(vsubq_n_s32(twice, 1), less));
    rest = vsubq_s32(rest, vandq_s32(vaddq_n_s32(twice, 1), more));
    root = vsubq_s32(vaddq_s32(root, less), more);
    // The original does not round 65535 up.
    int32x4_t rounded = vsubq_s32(root, negative(vsubq_s32(root, rest)));
    return vreinterpretq_u32_s32(vpselq_s32(root, rounded, vcmpeqq_s32(root, vdupq_n_s32(0xFFFF))));
}

void micdsp_filterbank_apply(const uint32_t *energy, int shift, uint32_t *channels) {
    uint32_t low[MICDSP_CHANNELS], high[MICDSP_CHANNELS];
    const uint16_t *weights = micdsp_band_weights;
    const uint32_t *bin = energy + MICDSP_FIRST_BIN;
    uint64_t rising = 0;
    for (int i = 0; i <= MICDSP_CHANNELS; i++) {
        const uint32_t *end = energy + micdsp_band_ends[i];
        uint64_t falling;
        uint32_t sum = band(bin, end, weights, &falling);
        if (i > 0) {
            uint64_t all = rising + falling;
            low[i - 1] = (uint32_t)all;
            high[i - 1] = (uint32_t)(all >> 32);
        }
        rising = ((uint64_t)sum << 12) - falling;
        weights += end - bin;
        bin = end;
    }
    for (int i = 0; i < MICDSP_CHANNELS; i += 4) {
        uint32x4_t root = rounded_sqrts(vld1q_u32(low + i), vld1q_u32(high + i));
        vst1q_u32(channels + i, vshlq_r_u32(root, -shift));
    }
}

#endif
