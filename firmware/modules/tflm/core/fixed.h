// SPDX-License-Identifier: Apache-2.0
// Fixed-point arithmetic with the rounding of gemmlowp (fixedpoint/fixedpoint.h), on which
// TensorFlow Lite's quantized kernels are built. It assumes that right shifts of negative integers
// are arithmetic.
#ifndef TFLM_FIXED_H
#define TFLM_FIXED_H

#include "compiler.h"

#include <stdint.h>

// a * b * 2^-31, rounded to nearest, halves upwards; saturated.
int32_t tflm_high_mul(int32_t a, int32_t b);

// x / 2^exponent for an exponent up to 31, rounded to nearest, halves away from zero.
int32_t tflm_rounding_shift(int32_t x, int exponent);

// A positive real number as multiplier * 2^(shift - 31), as TensorFlow Lite quantizes them.
typedef struct {
    int32_t multiplier;
    int32_t shift; // -31..30
} tflm_scale_t;

// x * multiplier * 2^(shift - 31), rounded by tflm_high_mul and then, if the shift is negative, by
// tflm_rounding_shift. The multiplier is not negative, so nothing saturates.
TFLM_SHARED int32_t tflm_scale_apply(int32_t x, int32_t multiplier, int shift) {
    if (shift < 0) {
        int32_t high = (int32_t)(((int64_t)x * multiplier + (1 << 30)) >> 31);
        // This equals tflm_rounding_shift in fewer steps: neither sum overflows, as `high` is
        // smaller than x in magnitude.
        return (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1;
    }
    return (int32_t)(((int64_t)(int32_t)((uint32_t)x << shift) * multiplier + (1 << 30)) >> 31);
}

// The same, not inlined, for use outside of the loops that scale most sums of products.
int32_t tflm_scaled(int32_t x, tflm_scale_t scale);

// How a number becomes an element of a quantized tensor.
typedef struct {
    tflm_scale_t scale;
    int32_t zero_point; // It may make sums wrap around.
    int32_t low, high;
} tflm_requantize_t;

int32_t tflm_requantize(int32_t x, const tflm_requantize_t *to);

static inline int32_t tflm_clamp(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : x > high ? high : x;
}

// The next functions take and return numbers with the stated integer bits, and 31 less these as
// fraction bits. exp(x) for x <= 0 with `integer_bits`; the result has 0 integer bits.
int32_t tflm_exp_negative(int32_t x, int integer_bits);

// 1 / (1 + x) for x in [0, 1]; both have 0 integer bits.
int32_t tflm_reciprocal(int32_t x);

// (1 - x) / (1 + x) for x in [0, 1]; both have 0 integer bits.
int32_t tflm_reciprocal_tanh(int32_t x);

// 1 / (1 + exp(-x)) for x with 4 integer bits; the result has none.
int32_t tflm_logistic(int32_t x);

#endif
