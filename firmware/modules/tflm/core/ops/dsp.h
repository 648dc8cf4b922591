// SPDX-License-Identifier: Apache-2.0
// What kernels for Arm's DSP extension (Cortex-M4, M33) share: SXTB16 makes two of four bytes 16
// bits wide, on pairs of which SMLAD and its like work.
#ifndef TFLM_DSP_H
#define TFLM_DSP_H

#include <stdint.h>
#include <string.h>

// Bytes 0 and 2 of four, and bytes 1 and 3.
typedef struct {
    uint32_t even, odd;
} pairs_t;

static inline uint32_t tflm_word(const void *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline pairs_t tflm_pairs(uint32_t word) {
    pairs_t pairs;
    __asm__("sxtb16 %0, %1" : "=r"(pairs.even) : "r"(word));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pairs.odd) : "r"(word));
    return pairs;
}

// With 16 bits added to each.
static inline pairs_t tflm_pairs_plus(uint32_t word, uint32_t plus) {
    pairs_t pairs;
    __asm__("sxtab16 %0, %1, %2" : "=r"(pairs.even) : "r"(plus), "r"(word));
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pairs.odd) : "r"(plus), "r"(word));
    return pairs;
}

#endif
