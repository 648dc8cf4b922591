// SPDX-License-Identifier: Apache-2.0
// Small integer helpers. All of micdsp assumes that right shifts of negative integers are
// arithmetic, as they are with every compiler in use.
#ifndef MICDSP_BITS_H
#define MICDSP_BITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Helium (Cortex-M55) has its own window and FFT. MICDSP_PORTABLE keeps to portable C everywhere.
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && !defined(MICDSP_PORTABLE)
#define MICDSP_MVE 1
#else
#define MICDSP_MVE 0
#endif

// Returns the position of the highest set bit, from 1; 0 for 0.
static inline int micdsp_bit_length(uint32_t x) {
#if defined(__riscv) && !defined(__riscv_zbb)
    // There is no such instruction: __builtin_clz would call libgcc.
    int length = 0;
    for (int step = 16; step; step >>= 1) {
        if (x >> step) {
            x >>= step;
            length += step;
        }
    }
    return length + (int)x;
#else
    return x ? 32 - __builtin_clz(x) : 0;
#endif
}

// Copies of a few bytes use __builtin_memcpy: without a C library, as for Xtensa, a compiler turns
// memcpy into a call.
static inline int32_t micdsp_load_sample(const uint8_t *samples, size_t i) {
    int16_t sample;
    __builtin_memcpy(&sample, samples + 2 * i, sizeof sample);
    return sample;
}

// Square root rounded down.
uint32_t micdsp_sqrt32(uint32_t x);

#endif
