// SPDX-License-Identifier: Apache-2.0
// Small integer helpers. Right shifts of negative integers are taken to be arithmetic throughout
// micdsp, as they are on every compiler in use.
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

// Position of the highest set bit, from 1; 0 for 0.
static inline int micdsp_bit_length(uint32_t x) {
#if defined(__riscv) && !defined(__riscv_zbb)
    // No such instruction: __builtin_clz would call libgcc.
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

// What is a few bytes long is copied by __builtin_memcpy: where there is no C library, as for
// Xtensa, a compiler takes memcpy for a function to call.
static inline int32_t micdsp_load_sample(const uint8_t *samples, size_t i) {
    int16_t sample;
    __builtin_memcpy(&sample, samples + 2 * i, sizeof sample);
    return sample;
}

// Square root rounded down.
uint32_t micdsp_sqrt32(uint32_t x);

#endif
