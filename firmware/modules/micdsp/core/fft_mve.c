// SPDX-License-Identifier: Apache-2.0
// fft.c for Helium: four complex values to a vector. Its doubling multiplications saturate where
// the portable ones wrap, but that never happens: stages rotate values scaled below 8192, and the
// last step rotates values below 32767 by Parseval, since windowed values fit 16 bits.
#include "bits.h"

#if MICDSP_MVE

#include "stages.h"
#include "tables.h"
#include <arm_mve.h>

#define QUARTER 8191
#define HALF 16383

static inline int16x8_t load(const void *source) {
    return vreinterpretq_s16_u32(vld1q_u32(source));
}

static inline int16x8_t gather(const void *source, uint32x4_t words) {
    return vreinterpretq_s16_u32(vldrwq_gather_shifted_offset_u32(source, words));
}

static inline int16x8_t quarter(int16x8_t z) {
    return vqrdmulhq_n_s16(z, QUARTER);
}

static inline int16x8_t rotate(int16x8_t z, int16x8_t twiddle) {
    return vqrdmladhxq_s16(vqrdmlsdhq_s16(z, z, twiddle), z, twiddle);
}

// Four radix-4 butterflies of inputs already scaled and rotated.
static inline uint32x4x4_t butterflies(int16x8_t a, int16x8_t b, int16x8_t c, int16x8_t d) {
    int16x8_t even = vaddq_s16(a, c), even_difference = vsubq_s16(a, c);
    int16x8_t odd = vaddq_s16(b, d), odd_difference = vsubq_s16(b, d);
    return (uint32x4x4_t){{
        vreinterpretq_u32_s16(vaddq_s16(even, odd)),
        vreinterpretq_u32_s16(vcaddq_rot270_s16(even_difference, odd_difference)),
        vreinterpretq_u32_s16(vsubq_s16(even, odd)),
        vreinterpretq_u32_s16(vcaddq_rot90_s16(even_difference, odd_difference)),
    }};
}

static void first_stage(const int16_t *windowed, int shift, uint32_t *z) {
    // Digit reversal puts the inputs of neighbouring butterflies 16 values apart.
    uint32x4_t apart = vmulq_n_u32(vidupq_n_u32(0, 1), 16);
    for (int i = 0; i < 16; i++, z += 16) {
        const int16_t *in = windowed + 2 * ((i & 3) << 2 | i >> 2);
        int16x8_t a = quarter(vshlq_r_s16(gather(in, apart), shift));
        int16x8_t b = quarter(vshlq_r_s16(gather(in + 128, apart), shift));
        int16x8_t c = quarter(vshlq_r_s16(gather(in + 256, apart), shift));
        int16x8_t d = quarter(vshlq_r_s16(gather(in + 384, apart), shift));
        vst4q_u32(z, butterflies(a, b, c, d));
    }
}

static const int16_t *later_stage(uint32_t *bins, int span, const int16_t *twiddles) {
    uint32x4_t triples = vmulq_n_u32(vidupq_n_u32(0, 1), 3);
    for (int u = 0; u < span; u += 4, twiddles += 24) {
        int16x8_t w1 = gather(twiddles, triples), w2 = gather(twiddles + 2, triples);
        int16x8_t w3 = gather(twiddles + 4, triples);
        for (uint32_t *z = bins + u; z < bins + 256; z += 4 * span) {
            int16x8_t b = rotate(quarter(load(z + span)), w1);
            int16x8_t c = rotate(quarter(load(z + 2 * span)), w2);
            int16x8_t d = rotate(quarter(load(z + 3 * span)), w3);
            uint32x4x4_t out = butterflies(quarter(load(z)), b, c, d);
            vst1q_u32(z, out.val[0]);
            vst1q_u32(z + span, out.val[1]);
            vst1q_u32(z + 2 * span, out.val[2]);
            vst1q_u32(z + 3 * span, out.val[3]);
        }
    }
    return twiddles;
}

static inline uint32x4_t energy(int16x8_t re, int16x8_t im) {
    return vreinterpretq_u32_s32(vaddq_s32(vmullbq_int_s16(re, re), vmulltq_int_s16(im, im)));
}

void micdsp_fft_energy(const int16_t *windowed, int shift, micdsp_complex_t *spectrum) {
    uint32_t *bins = (uint32_t *)spectrum;
    first_stage(windowed, shift, bins);
    const int16_t *twiddles = micdsp_twiddles;
    for (int span = 4; span <= 64; span *= 4) {
        twiddles = later_stage(bins, span, twiddles);
    }

    twiddles = micdsp_real_twiddles;
    uint32x4_t backwards = vddupq_n_u32(3, 1);
    int16x8_t imaginary = vreinterpretq_s16_u32(vdupq_n_u32(0xFFFF0000));
    for (int k = MICDSP_FIRST_BIN; k <= 128; k += 4, twiddles += 8) {
        uint32_t *low = bins + k, *high = bins + 256 - 3 - k;
        int16x8_t a = vqrdmulhq_n_s16(load(low), HALF);
        int16x8_t b = gather(high, backwards);
        // The conjugate: -x is ~x + 1. (GCC 12 gets the constant of a predicate wrong.)
        b = vqrdmulhq_n_s16(vsubq_s16(veorq_s16(b, imaginary), imaginary), HALF);
        int16x8_t even = vaddq_s16(a, b), odd = rotate(vsubq_s16(a, b), vld1q_s16(twiddles));
        int16x8_t mean = vhaddq_s16(even, odd);
        vst1q_u32(low, energy(mean, mean));
        vstrwq_scatter_shifted_offset_u32(high, backwards,
                                          energy(vhsubq_s16(even, odd), vhsubq_s16(odd, even)));
    }
}

#endif
