// SPDX-License-Identifier: Apache-2.0
// Real FFT of 512 points as a complex one of 256: four radix-4 stages, decimation in time.
//
// Rounding follows KISS FFT with FIXED_POINT=16: each stage first scales its inputs by 8191/32768,
// then rotates them by Q15 twiddles, both rounded to nearest; sums wrap to 16 bits when stored. A
// rotation by the twiddle of angle 0, which is 32767, leaves such inputs as they are (they are
// below 16384), so it is left out.
#include "bits.h"

#if !MICDSP_MVE

#include "complex.h"
#include "stages.h"
#include "tables.h"

#define QUARTER 8191
#define HALF 16383

// Radix-4 butterfly of inputs already scaled and rotated.
static inline void butterfly(micdsp_complex_t *z, int span, complex_t a, complex_t b, complex_t c,
                             complex_t d) {
    complex_t even = complex_add(a, c), even_difference = complex_subtract(a, c);
    complex_t odd = complex_add(b, d), odd_difference = complex_subtract(b, d);
    complex_store(z, complex_add(even, odd));
    complex_store(z + span, complex_subtract_i(even_difference, odd_difference));
    complex_store(z + 2 * span, complex_subtract(even, odd));
    complex_store(z + 3 * span, complex_add_i(even_difference, odd_difference));
}

static inline complex_t quarter(const micdsp_complex_t *z) {
    return complex_scale(complex_load(z), QUARTER);
}

// Stage 1: takes samples in base-4 digit-reversed order.
static void first_stage(const int16_t *windowed, int shift, micdsp_complex_t *z) {
    int32_t factor = QUARTER << shift;
    for (int i = 0; i < 64; i++, z += 4) {
        const int16_t *in = windowed + 2 * ((i & 3) << 4 | (i & 12) | i >> 4);
        complex_t a = complex_scale_wide(complex_load(in), factor);
        complex_t b = complex_scale_wide(complex_load(in + 128), factor);
        complex_t c = complex_scale_wide(complex_load(in + 256), factor);
        complex_t d = complex_scale_wide(complex_load(in + 384), factor);
        butterfly(z, 1, a, b, c, d);
    }
}

// Stages 2 to 4. Returns the twiddles of the next stage.
static const int16_t *later_stage(micdsp_complex_t *bins, int span, const int16_t *twiddles) {
    micdsp_complex_t *end = bins + 256;
    for (micdsp_complex_t *z = bins; z < end; z += 4 * span) {
        butterfly(z, span, quarter(z), quarter(z + span), quarter(z + 2 * span),
                  quarter(z + 3 * span));
    }
    twiddles += 6; // u = 0: angle 0
    for (int u = 1; u < span; u++, twiddles += 6) {
        complex_t w1 = complex_load(twiddles), w2 = complex_load(twiddles + 2);
        complex_t w3 = complex_load(twiddles + 4);
        for (micdsp_complex_t *z = bins + u; z < end; z += 4 * span) {
            butterfly(z, span, quarter(z), complex_rotate(quarter(z + span), w1),
                      complex_rotate(quarter(z + 2 * span), w2),
                      complex_rotate(quarter(z + 3 * span), w3));
        }
    }
    return twiddles;
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
        complex_t a = complex_scale(complex_load(low), HALF);
        complex_t b = complex_scale(complex_conjugate(complex_load(high)), HALF);
        complex_t even = complex_add(a, b);
        complex_t odd = complex_rotate(complex_subtract(a, b), complex_load(twiddles));
        uint32_t low_energy = complex_mean_energy(even, odd);
        uint32_t high_energy = complex_mirror_energy(even, odd);
        __builtin_memcpy(__builtin_assume_aligned(low, 4), &low_energy, sizeof low_energy);
        __builtin_memcpy(__builtin_assume_aligned(high, 4), &high_energy, sizeof high_energy);
    }
}

#endif
