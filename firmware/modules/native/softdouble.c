// SPDX-License-Identifier: Apache-2.0
// Arithmetic on doubles, for the one compiler whose library we do not have: LLVM's for Xtensa calls
// it and brings none. IEEE 754, rounded to nearest, ties to even; each NaN becomes the quiet one.
// Names and results are those of libgcc ("Soft float library routines").
#include <stdbool.h>
#include <stdint.h>

#define SIGN (1ull << 63)
#define HIDDEN (1ull << 52)
#define FRACTION (HIDDEN - 1)
#define INFINITE (0x7ffull << 52)
#define QUIET_NAN (0x7ff8ull << 48)
#define BIAS 1023
#define EXPONENT_MAX 2047

typedef union {
    double value;
    uint64_t bits;
} double_bits_t;

typedef union {
    float value;
    uint32_t bits;
} float_bits_t;

double __extendsfdf2(float value);
float __truncdfsf2(double value);
double __floatsidf(int32_t value);
int32_t __fixdfsi(double value);
double __adddf3(double left, double right);
double __subdf3(double left, double right);
double __muldf3(double left, double right);
double __divdf3(double left, double right);
int __gtdf2(double left, double right);
int __gedf2(double left, double right);
int __ltdf2(double left, double right);
int __ledf2(double left, double right);
int __eqdf2(double left, double right);
int __nedf2(double left, double right);
int __unorddf2(double left, double right);

static uint64_t bits_of(double value) {
    double_bits_t bits = {value};
    return bits.bits;
}

static double of_bits(uint64_t bits) {
    double_bits_t result;
    result.bits = bits;
    return result.value;
}

// value / 2^shift, with the lowest bit set when something was lost.
static uint64_t shift_right(uint64_t value, int shift) {
    if (shift > 63) {
        return value != 0;
    }
    return shift > 0 ? value >> shift | ((value & ((1ull << shift) - 1)) != 0) : value;
}

// Takes a finite non-zero number apart: its significand with the hidden bit at bit 63.
static uint64_t unpack(uint64_t magnitude, int *exponent) {
    uint64_t significand = magnitude << 11;
    *exponent = (int)(magnitude >> 52);
    if (*exponent) {
        return significand | SIGN;
    }
    *exponent = 1;
    for (; !(significand >> 63); significand <<= 1) {
        --*exponent;
    }
    return significand;
}

// The other way, rounding `dropped` of the significand's 64 bits away. Works for floats too.
static uint64_t pack(int exponent, uint64_t significand, int dropped, int exponent_max) {
    if (exponent <= 0) {
        significand = shift_right(significand, 1 - exponent);
        exponent = 1; // The hidden bit is gone: what is left adds to exponent 0.
    }
    uint64_t half = 1ull << (dropped - 1), rest = significand & (2 * half - 1);
    uint64_t kept = significand >> dropped;
    kept += rest > half || (rest == half && (kept & 1));
    if (exponent >= exponent_max) {
        return (uint64_t)exponent_max << (63 - dropped);
    }
    // A carry out of the significand moves on into the exponent, up to infinity.
    return ((uint64_t)(exponent - 1) << (63 - dropped)) + kept;
}

static bool is_nan(uint64_t magnitude) {
    return magnitude > INFINITE;
}

double __extendsfdf2(float value) {
    float_bits_t in = {value};
    uint64_t sign = (uint64_t)(in.bits & 0x80000000u) << 32;
    uint32_t magnitude = in.bits & 0x7fffffffu;
    if (magnitude >= 0x7f800000u) {
        return of_bits(magnitude > 0x7f800000u ? QUIET_NAN : sign | INFINITE);
    }
    if (magnitude < 0x00800000u) { // A subnormal float is a normal double.
        int exponent = BIAS - 126;
        if (!magnitude) {
            return of_bits(sign);
        }
        uint64_t significand = (uint64_t)magnitude << 40;
        for (; !(significand >> 63); significand <<= 1) {
            exponent--;
        }
        return of_bits(sign | pack(exponent, significand, 11, EXPONENT_MAX));
    }
    return of_bits(sign | (((uint64_t)magnitude << 29) + ((uint64_t)(BIAS - 127) << 52)));
}

float __truncdfsf2(double value) {
    uint64_t bits = bits_of(value), magnitude = bits & ~SIGN;
    float_bits_t out = {0};
    if (is_nan(magnitude)) {
        out.bits = 0x7fc00000u;
        return out.value;
    }
    out.bits = (uint32_t)(bits >> 32) & 0x80000000u;
    if (magnitude == INFINITE) {
        out.bits |= 0x7f800000u;
    } else if (magnitude) {
        int exponent;
        uint64_t significand = unpack(magnitude, &exponent);
        out.bits |= (uint32_t)pack(exponent - BIAS + 127, significand, 40, 255);
    }
    return out.value;
}

double __floatsidf(int32_t value) {
    if (!value) {
        return of_bits(0);
    }
    uint64_t significand = (uint64_t)(value < 0 ? -(uint32_t)value : (uint32_t)value) << 32;
    int exponent = BIAS + 31;
    for (; !(significand >> 63); significand <<= 1) {
        exponent--;
    }
    return of_bits((value < 0 ? SIGN : 0) | pack(exponent, significand, 11, EXPONENT_MAX));
}

// Towards zero; what does not fit saturates, which C leaves open.
int32_t __fixdfsi(double value) {
    uint64_t bits = bits_of(value), magnitude = bits & ~SIGN;
    int exponent = (int)(magnitude >> 52) - BIAS;
    if (exponent < 0) {
        return 0;
    }
    if (exponent > 30) {
        return bits & SIGN ? INT32_MIN : INT32_MAX;
    }
    int32_t whole = (int32_t)(((magnitude & FRACTION) | HIDDEN) >> (52 - exponent));
    return bits & SIGN ? -whole : whole;
}

static double add(uint64_t a, uint64_t b) {
    uint64_t ma = a & ~SIGN, mb = b & ~SIGN;
    if (ma < mb) {
        uint64_t swap = a;
        a = b;
        b = swap;
        ma = a & ~SIGN;
        mb = b & ~SIGN;
    }
    bool apart = (a ^ b) >> 63;
    if (is_nan(ma) || is_nan(mb) || (ma == INFINITE && mb == INFINITE && apart)) {
        return of_bits(QUIET_NAN);
    }
    if (ma == INFINITE || !mb) {
        return of_bits(!ma && apart ? 0 : a);
    }
    int exponent, exponent_b;
    // One bit of room above for a carry.
    uint64_t sa = unpack(ma, &exponent) >> 1, sb = unpack(mb, &exponent_b) >> 1;
    sb = shift_right(sb, exponent - exponent_b);
    uint64_t sum = apart ? sa - sb : sa + sb;
    if (!sum) {
        return of_bits(0);
    }
    exponent++;
    for (; !(sum >> 63); sum <<= 1) {
        exponent--;
    }
    return of_bits((a & SIGN) | pack(exponent, sum, 11, EXPONENT_MAX));
}

double __adddf3(double left, double right) {
    return add(bits_of(left), bits_of(right));
}

double __subdf3(double left, double right) {
    return add(bits_of(left), bits_of(right) ^ SIGN);
}

// The upper half of a product; its lowest bit is set when the lower half is not zero.
static uint64_t multiply(uint64_t a, uint64_t b) {
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32), other = a0 * b1 + (uint32_t)middle;
    return (a1 * b1 + (middle >> 32) + (other >> 32)) | (((uint32_t)low | (uint32_t)other) != 0);
}

double __muldf3(double left, double right) {
    uint64_t a = bits_of(left), b = bits_of(right), sign = (a ^ b) & SIGN;
    a &= ~SIGN;
    b &= ~SIGN;
    if (is_nan(a) || is_nan(b) || (a == INFINITE && !b) || (!a && b == INFINITE)) {
        return of_bits(QUIET_NAN);
    }
    if (a == INFINITE || b == INFINITE) {
        return of_bits(sign | INFINITE);
    }
    if (!a || !b) {
        return of_bits(sign);
    }
    int exponent, exponent_b;
    uint64_t product = unpack(a, &exponent);
    product = multiply(product, unpack(b, &exponent_b));
    exponent += exponent_b - BIAS + 1;
    if (!(product >> 63)) { // The bit that comes in below is far under what rounding looks at.
        product = product << 1 | (product & 1);
        exponent--;
    }
    return of_bits(sign | pack(exponent, product, 11, EXPONENT_MAX));
}

// Quotient of two significands, normalised; its lowest bit is set when a rest remains.
static uint64_t divide(uint64_t rest, uint64_t divisor, int *exponent) {
    uint64_t quotient = 0;
    rest >>= 1; // Room for doubling.
    divisor >>= 1;
    if (rest < divisor) {
        rest <<= 1;
        --*exponent;
    }
    for (int bit = 0; bit < 62; bit++) {
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
        rest <<= 1;
    }
    return quotient << 2 | (rest != 0);
}

double __divdf3(double left, double right) {
    uint64_t a = bits_of(left), b = bits_of(right), sign = (a ^ b) & SIGN;
    a &= ~SIGN;
    b &= ~SIGN;
    if (is_nan(a) || is_nan(b) || (a == b && (!a || a == INFINITE))) {
        return of_bits(QUIET_NAN);
    }
    if (a == INFINITE || !b) {
        return of_bits(sign | INFINITE);
    }
    if (!a || b == INFINITE) {
        return of_bits(sign);
    }
    int exponent, exponent_b;
    uint64_t rest = unpack(a, &exponent), divisor = unpack(b, &exponent_b);
    exponent += BIAS - exponent_b;
    rest = divide(rest, divisor, &exponent);
    return of_bits(sign | pack(exponent, rest, 11, EXPONENT_MAX));
}

// Negative, zero or positive as left is less, equal or greater; `unordered` with a NaN.
static int compare(double left, double right, int unordered) {
    uint64_t a = bits_of(left), b = bits_of(right);
    if (is_nan(a & ~SIGN) || is_nan(b & ~SIGN)) {
        return unordered;
    }
    // In the order of the numbers: negative ones count down from the middle, both zeros are it.
    int64_t x = a & SIGN ? -(int64_t)(a & ~SIGN) : (int64_t)a;
    int64_t y = b & SIGN ? -(int64_t)(b & ~SIGN) : (int64_t)b;
    return (x > y) - (x < y);
}

int __gtdf2(double left, double right) {
    return compare(left, right, -1);
}

int __gedf2(double left, double right) {
    return compare(left, right, -1);
}

int __ltdf2(double left, double right) {
    return compare(left, right, 1);
}

int __ledf2(double left, double right) {
    return compare(left, right, 1);
}

int __eqdf2(double left, double right) {
    return compare(left, right, 1);
}

int __nedf2(double left, double right) {
    return compare(left, right, 1);
}

int __unorddf2(double left, double right) {
    return is_nan(bits_of(left) & ~SIGN) || is_nan(bits_of(right) & ~SIGN);
}
