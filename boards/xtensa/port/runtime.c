// SPDX-License-Identifier: Apache-2.0
// Functions of the C library that MicroPython calls, and that its lib/libm lacks or has in a form
// that LLVM 22 cannot compile for Xtensa: it cannot choose between two constants of type float.
#include <math.h>
#include <stdint.h>

#include "linux.h"

#define SIGN 0x80000000u

typedef union {
    float value;
    uint32_t bits;
} float_bits_t;

float fabsf(float x) {
    float_bits_t result = {x};
    result.bits &= ~SIGN;
    return result.value;
}

float copysignf(float x, float sign) {
    float_bits_t result = {x}, from = {sign};
    result.bits = (result.bits & ~SIGN) | (from.bits & SIGN);
    return result.value;
}

float nanf(const char *payload) {
    (void)payload;
    return NAN;
}

// Rounds ties to even, as the FPU does beyond 24 bits.
float nearbyintf(float x) {
    volatile float large = copysignf(8388608.0f, x);
    if (fabsf(x) < 8388608.0f) {
        large += x;
        x = copysignf(large - copysignf(8388608.0f, x), x);
    }
    return x;
}

// Floats have 32 bits here: only type "d" of struct and array uses these functions.
double __extendsfdf2(float value);
float __truncdfsf2(double value);
double __floatsidf(int32_t value);

static void __attribute__((noreturn)) refuse(void) {
    static const char reason[] = "no arithmetic on doubles here\n";
    linux_give(2, reason, sizeof reason - 1);
    linux_exit(4);
}

double __extendsfdf2(float value) {
    (void)value;
    refuse();
}

float __truncdfsf2(double value) {
    (void)value;
    refuse();
}

double __floatsidf(int32_t value) {
    (void)value;
    refuse();
}
