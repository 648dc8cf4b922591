// SPDX-License-Identifier: Apache-2.0
// Fixed-point arithmetic with the rounding of gemmlowp.
#include "fixed.h"

TFLM_NOINLINE int32_t tflm_high_mul(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

TFLM_NOINLINE int32_t tflm_rounding_shift(int32_t x, int exponent) {
    int32_t mask = (int32_t)((1u << exponent) - 1);
    int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + ((x & mask) > threshold);
}

TFLM_NOINLINE int32_t tflm_scaled(int32_t x, tflm_scale_t scale) {
    return tflm_scale_apply(x, scale.multiplier, scale.shift);
}

int32_t tflm_requantize(int32_t x, const tflm_requantize_t *to) {
    uint32_t y = (uint32_t)tflm_scaled(x, to->scale) + (uint32_t)to->zero_point;
    return tflm_clamp((int32_t)y, to->low, to->high);
}

// Returns x * 2^bits, saturated.
static int32_t shift_left(int32_t x, int bits) {
    int32_t y = (int32_t)((uint32_t)x << bits);
    return y >> bits == x ? y : x < 0 ? INT32_MIN : INT32_MAX;
}

static int32_t wrapping_add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

// exp(x) for x in [-1/4, 0): the Taylor polynomial of degree four around -1/8.
static int32_t exp_quarter(int32_t x) {
    const int32_t exp_minus_eighth = 1895147668;
    const int32_t third = 715827883;
    int32_t t = wrapping_add(x, 1 << 28);
    int32_t t2 = tflm_high_mul(t, t);
    int32_t t3 = tflm_high_mul(t2, t);
    int32_t t4 = tflm_high_mul(t2, t2);
    int32_t t4_quarter = tflm_rounding_shift(t4, 2);
    int32_t tail = tflm_rounding_shift(
        wrapping_add(tflm_high_mul(wrapping_add(t4_quarter, t3), third), t2), 1);
    return wrapping_add(exp_minus_eighth, tflm_high_mul(exp_minus_eighth, wrapping_add(t, tail)));
}

int32_t tflm_exp_negative(int32_t x, int integer_bits) {
    // exp(-2^i) for i = -2..4, 0 integer bits.
    static const int32_t powers[] = {1672461947, 1302514674, 790015084, 290630308,
                                     39332535,   720401,     242};
    int fraction_bits = 31 - integer_bits;
    int32_t quarter = (int32_t)1 << (fraction_bits - 2);
    if (x == 0) {
        return INT32_MAX;
    }
    int32_t modulus = (x & (quarter - 1)) - quarter;
    int32_t result = exp_quarter((int32_t)((uint32_t)modulus << integer_bits));
    int32_t rest = (int32_t)((uint32_t)modulus - (uint32_t)x);
    for (int i = 0; i < 7 && i - 2 < integer_bits; i++) {
        if (rest & (int32_t)((uint32_t)1 << (fraction_bits + i - 2))) {
            result = tflm_high_mul(result, powers[i]);
        }
    }
    if (integer_bits > 5 && x < -(int32_t)((uint32_t)1 << (fraction_bits + 5))) {
        return 0;
    }
    return result;
}

// Three Newton steps towards 1 / half_denominator, 2 integer bits.
static int32_t newton(int32_t half_denominator) {
    const int32_t start = 1515870810;  // 48/17
    const int32_t slope = -1010580540; // -32/17
    int32_t x = wrapping_add(start, tflm_high_mul(half_denominator, slope));
    for (int i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - tflm_high_mul(half_denominator, x);
        x = wrapping_add(x, shift_left(tflm_high_mul(x, error), 2));
    }
    return x;
}

// (1 + x) / 2 for x in [0, 1], rounded upwards.
static int32_t half_sum(int32_t x) {
    return (int32_t)(((uint32_t)x + 0x80000000u) >> 1);
}

int32_t tflm_reciprocal(int32_t x) {
    return shift_left(newton(half_sum(x)), 1);
}

int32_t tflm_reciprocal_tanh(int32_t x) {
    return shift_left(wrapping_add(newton(half_sum(x)), -(1 << 29)), 2);
}

int32_t tflm_logistic(int32_t x) {
    if (x == 0) {
        return 1 << 30;
    }
    int32_t negative = x > 0 ? -x : x;
    int32_t result = tflm_reciprocal(tflm_exp_negative(negative, 4));
    return x > 0 ? result : INT32_MAX - result;
}
