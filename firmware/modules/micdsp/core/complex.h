// SPDX-License-Identifier: Apache-2.0
// Arithmetic on complex int16 values for fft.c: in portable C, or with the packed 16-bit
// instructions of Cortex-M4 and later. Both round to nearest, and wrap to 16 bits.
#ifndef MICDSP_COMPLEX_H
#define MICDSP_COMPLEX_H

#include "micdsp.h"
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && !defined(MICDSP_PORTABLE)

#include <arm_acle.h>

typedef uint32_t complex_t; // re in the low half, im in the high one

// GCC 12 does not generate the two packing instructions from C, and adds known constants
// separately.
static inline complex_t pack_high(int32_t re, int32_t im) {
    complex_t z;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(z) : "r"(im), "r"(re));
    return z;
}

static inline complex_t pack_q15(int32_t re, int32_t im) {
    complex_t z;
    __asm__("pkhbt %0, %1, %2, lsl #1" : "=r"(z) : "r"(re >> 15), "r"(im));
    return z;
}

static inline int32_t hidden(int32_t x) {
    __asm__("" : "+r"(x));
    return x;
}

static inline complex_t complex_load(const void *source) {
    uint32_t z;
    __builtin_memcpy(&z, source, sizeof z);
    return z;
}

static inline void complex_store(micdsp_complex_t *target, complex_t z) {
    __builtin_memcpy(target, &z, sizeof z);
}

// z * factor / 2^15, |z * factor| < 2^30 in either part.
static inline complex_t complex_scale_wide(complex_t z, int32_t factor) {
    int32_t round = hidden(1 << 15);
    return pack_high((int16_t)z * (2 * factor) + round, ((int32_t)z >> 16) * (2 * factor) + round);
}

// The same for factors below 2^14.
static inline complex_t complex_scale(complex_t z, int32_t factor) {
    int32_t twice = hidden(2 * factor), round = hidden(1 << 15);
    return pack_high(__smlabb((int32_t)z, twice, round), __smlatb((int32_t)z, twice, round));
}

static inline complex_t complex_rotate(complex_t z, complex_t twiddle) {
    int32_t re = __smlsd((int16x2_t)z, (int16x2_t)twiddle, 1 << 14);
    int32_t im = __smladx((int16x2_t)z, (int16x2_t)twiddle, 1 << 14);
    return pack_q15(re, im);
}

static inline complex_t complex_conjugate(complex_t z) {
    return (z & 0xFFFF) | ((uint32_t)__ssub16(0, (int16x2_t)z) & 0xFFFF0000u);
}

static inline complex_t complex_add(complex_t a, complex_t b) {
    return (complex_t)__sadd16((int16x2_t)a, (int16x2_t)b);
}

static inline complex_t complex_subtract(complex_t a, complex_t b) {
    return (complex_t)__ssub16((int16x2_t)a, (int16x2_t)b);
}

// a + i b
static inline complex_t complex_add_i(complex_t a, complex_t b) {
    return (complex_t)__sasx((int16x2_t)a, (int16x2_t)b);
}

// a - i b
static inline complex_t complex_subtract_i(complex_t a, complex_t b) {
    return (complex_t)__ssax((int16x2_t)a, (int16x2_t)b);
}

// |floor((a + b) / 2)|^2
static inline uint32_t complex_mean_energy(complex_t a, complex_t b) {
    int16x2_t mean = __shadd16((int16x2_t)a, (int16x2_t)b);
    return (uint32_t)__smuad(mean, mean);
}

// The same with a and -b in re, and -a and b in im.
static inline uint32_t complex_mirror_energy(complex_t a, complex_t b) {
    int32_t re = __shsub16((int16x2_t)a, (int16x2_t)b);
    int32_t im = __shsub16((int16x2_t)b, (int16x2_t)a);
    return (uint32_t)__smlatt(im, im, (int16_t)re * (int16_t)re);
}

#else

// Parts may exceed 16 bits until stored.
typedef struct {
    int32_t re, im;
} complex_t;

static inline int32_t round_q15(int32_t x) {
    return (x + (1 << 14)) >> 15;
}

static inline complex_t complex_load(const void *source) {
    const int16_t *parts = source;
    return (complex_t){parts[0], parts[1]};
}

static inline void complex_store(micdsp_complex_t *target, complex_t z) {
    *target = (micdsp_complex_t){(int16_t)z.re, (int16_t)z.im};
}

// z * factor / 2^15, |z * factor| < 2^30 in either part.
static inline complex_t complex_scale(complex_t z, int32_t factor) {
    return (complex_t){round_q15(z.re * factor), round_q15(z.im * factor)};
}

#define complex_scale_wide complex_scale

static inline complex_t complex_rotate(complex_t z, complex_t twiddle) {
    return (complex_t){round_q15(z.re * twiddle.re - z.im * twiddle.im),
                       round_q15(z.re * twiddle.im + z.im * twiddle.re)};
}

static inline complex_t complex_conjugate(complex_t z) {
    return (complex_t){z.re, (int16_t)-z.im};
}

static inline complex_t complex_add(complex_t a, complex_t b) {
    return (complex_t){a.re + b.re, a.im + b.im};
}

static inline complex_t complex_subtract(complex_t a, complex_t b) {
    return (complex_t){a.re - b.re, a.im - b.im};
}

// a + i b
static inline complex_t complex_add_i(complex_t a, complex_t b) {
    return (complex_t){a.re - b.im, a.im + b.re};
}

// a - i b
static inline complex_t complex_subtract_i(complex_t a, complex_t b) {
    return (complex_t){a.re + b.im, a.im - b.re};
}

static inline uint32_t complex_energy(int32_t re, int32_t im) {
    return (uint32_t)(re * re + im * im);
}

// |floor((a + b) / 2)|^2, b wrapped to 16 bits first.
static inline uint32_t complex_mean_energy(complex_t a, complex_t b) {
    return complex_energy((a.re + (int16_t)b.re) >> 1, (a.im + (int16_t)b.im) >> 1);
}

// The same with a and -b in re, and -a and b in im.
static inline uint32_t complex_mirror_energy(complex_t a, complex_t b) {
    return complex_energy((a.re - (int16_t)b.re) >> 1, ((int16_t)b.im - a.im) >> 1);
}

#endif
#endif
