// SPDX-License-Identifier: Apache-2.0
// Division of two floats. LLVM's code for Xtensa calls this function, and LLVM does not come with
// it. IEEE 754 binary32, rounded to nearest, ties to even.
#include <stdint.h>

#define EXPONENT_MAX 255
#define HIDDEN 0x800000u
#define QUIET_NAN 0x7fc00000u
#define INFINITY_BITS 0x7f800000u

typedef union {
    float value;
    uint32_t bits;
} float_bits_t;

// Splits a finite non-zero number: 24 bits with the hidden one at the top, and their exponent.
static uint32_t unpack(uint32_t magnitude, int *exponent) {
    uint32_t significand = magnitude & (HIDDEN - 1);
    *exponent = (int)(magnitude >> 23);
    if (*exponent != 0) {
        return significand | HIDDEN;
    }
    *exponent = 1;
    for (; significand < HIDDEN; significand <<= 1) {
        --*exponent;
    }
    return significand;
}

static uint32_t divide(uint32_t a, uint32_t b) {
    int exponent, exponent_b;
    uint32_t rest = unpack(a, &exponent), divisor = unpack(b, &exponent_b);
    exponent += 127 - exponent_b;
    if (rest < divisor) {
        rest <<= 1;
        exponent--;
    }
    uint32_t quotient = 0; // 24 bits, then two more to round by.
    for (int bit = 0; bit < 26; bit++, rest <<= 1) {
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
    }
    uint32_t lost = rest != 0;
    if (exponent >= EXPONENT_MAX) {
        return INFINITY_BITS;
    }
    if (exponent <= 0) { // The result is subnormal: shifting brings the hidden bit into place.
        int shift = exponent < -25 ? 26 : 1 - exponent;
        lost |= (quotient & ((1u << shift) - 1)) != 0;
        quotient >>= shift;
        exponent = 0;
    }
    uint32_t guard = quotient & 3;
    quotient >>= 2;
    uint32_t up = guard > 2 || (guard == 2 && (lost || (quotient & 1)));
    // A carry out of the significand goes into the exponent, up to infinity.
    if (exponent == 0) {
        return quotient + up;
    }
    return ((uint32_t)exponent << 23) + (quotient - HIDDEN) + up;
}

float __divsf3(float dividend, float divisor);

float __divsf3(float dividend, float divisor) {
    float_bits_t a = {dividend}, b = {divisor}, result;
    uint32_t sign = (a.bits ^ b.bits) & 0x80000000u;
    a.bits &= 0x7fffffffu;
    b.bits &= 0x7fffffffu;
    if (a.bits > INFINITY_BITS || b.bits > INFINITY_BITS || // One is no number, or both are zero,
        (a.bits == b.bits && (a.bits == 0 || a.bits == INFINITY_BITS))) { // or both infinite.
        result.bits = QUIET_NAN;
    } else if (a.bits == INFINITY_BITS || b.bits == 0) {
        result.bits = sign | INFINITY_BITS;
    } else if (a.bits == 0 || b.bits == INFINITY_BITS) {
        result.bits = sign;
    } else {
        result.bits = sign | divide(a.bits, b.bits);
    }
    return result.value;
}
