// SPDX-License-Identifier: Apache-2.0
// Real FFT of 512 points as a complex one of 256: four radix-4 stages, decimation in time.
//
// Rounding follows KISS FFT with FIXED_POINT=16: each stage first scales its inputs by 8191/32768,
// then rotates them by Q15 twiddles, both rounded to nearest; sums wrap to 16 bits when stored. A
// rotation by the twiddle of angle 0, which is 32767, leaves such inputs as they are (they are
// below 16384), so it is left out.
#include "stages.h"
#include "tables.h"
#include <string.h>

typedef struct {
    int32_t re, im;
} wide_t;

static inline int32_t round_q15(int32_t x) {
    return (x + (1 << 14)) >> 15;
}

static inline wide_t quarter(micdsp_complex_t z) {
    return (wide_t){round_q15(z.re * 8191), round_q15(z.im * 8191)};
}

static inline wide_t rotate(wide_t z, const int16_t *twiddle) {
    int32_t re = twiddle[0], im = twiddle[1];
    return (wide_t){round_q15(z.re * re - z.im * im), round_q15(z.re * im + z.im * re)};
}

static inline micdsp_complex_t narrow(int32_t re, int32_t im) {
    return (micdsp_complex_t){(int16_t)re, (int16_t)im};
}

// Radix-4 butterfly of inputs already scaled and rotated.
static inline void butterfly(micdsp_complex_t *z, int span, wide_t a, wide_t b, wide_t c,
                             wide_t d) {
    wide_t sum = {a.re + c.re, a.im + c.im}, difference = {a.re - c.re, a.im - c.im};
    wide_t odd_sum = {b.re + d.re, b.im + d.im}, odd_difference = {b.re - d.re, b.im - d.im};
    z[0] = narrow(sum.re + odd_sum.re, sum.im + odd_sum.im);
    z[span] = narrow(difference.re + odd_difference.im, difference.im - odd_difference.re);
    z[2 * span] = narrow(sum.re - odd_sum.re, sum.im - odd_sum.im);
    z[3 * span] = narrow(difference.re - odd_difference.im, difference.im + odd_difference.re);
}

// Stage 1: takes samples in base-4 digit-reversed order.
static void first_stage(const int16_t *windowed, int shift, micdsp_complex_t *z) {
    for (int i = 0; i < 64; i++, z += 4) {
        const int16_t *in = windowed + 2 * ((i & 3) << 4 | (i & 12) | i >> 4);
        wide_t inputs[4];
        for (int j = 0; j < 4; j++, in += 128) {
            // Wraps as the original does: -32768, which its magnitude misses, becomes 0.
            inputs[j] = quarter(narrow((int32_t)((uint32_t)in[0] << shift),
                                       (int32_t)((uint32_t)in[1] << shift)));
        }
        butterfly(z, 1, inputs[0], inputs[1], inputs[2], inputs[3]);
    }
}

// Stages 2 to 4. Returns the twiddles of the next stage.
static const int16_t *later_stage(micdsp_complex_t *bins, int span, const int16_t *twiddles) {
    micdsp_complex_t *end = bins + 256;
    for (micdsp_complex_t *z = bins; z < end; z += 4 * span) {
        butterfly(z, span, quarter(z[0]), quarter(z[span]), quarter(z[2 * span]),
                  quarter(z[3 * span]));
    }
    for (int u = 1; u < span; u++, twiddles += 6) {
        for (micdsp_complex_t *z = bins + u; z < end; z += 4 * span) {
            butterfly(z, span, quarter(z[0]), rotate(quarter(z[span]), twiddles),
                      rotate(quarter(z[2 * span]), twiddles + 2),
                      rotate(quarter(z[3 * span]), twiddles + 4));
        }
    }
    return twiddles;
}

static inline wide_t half(int16_t re, int16_t im) {
    return (wide_t){round_q15(re * 16383), round_q15(im * 16383)};
}

static inline uint32_t energy(int32_t re, int32_t im) {
    return (uint32_t)(re * re + im * im);
}

void micdsp_fft_energy(const int16_t *windowed, int shift, micdsp_complex_t *spectrum) {
    first_stage(windowed, shift, spectrum);
    const int16_t *twiddles = micdsp_twiddles;
    for (int span = 4; span <= 64; span *= 4) {
        twiddles = later_stage(spectrum, span, twiddles);
    }

    // Unravel bins k and 256 - k of the real spectrum from the same two of the complex one, and put
    // their energies in their place.
    twiddles = micdsp_real_twiddles;
    for (int k = MICDSP_FIRST_BIN; k <= 128; k++, twiddles += 2) {
        micdsp_complex_t *low = spectrum + k, *high = spectrum + 256 - k;
        wide_t a = half(low->re, low->im), b = half(high->re, (int16_t)-high->im);
        wide_t even = {a.re + b.re, a.im + b.im};
        wide_t odd = rotate((wide_t){a.re - b.re, a.im - b.im}, twiddles);
        odd.re = (int16_t)odd.re;
        odd.im = (int16_t)odd.im;
        uint32_t low_energy = energy((even.re + odd.re) >> 1, (even.im + odd.im) >> 1);
        uint32_t high_energy = energy((even.re - odd.re) >> 1, (odd.im - even.im) >> 1);
        memcpy(low, &low_energy, sizeof low_energy);
        memcpy(high, &high_energy, sizeof high_energy);
    }
}
