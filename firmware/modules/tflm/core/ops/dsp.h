// SPDX-License-Identifier: Apache-2.0
// Shared by kernels for Arm's DSP extension (Cortex-M4, M33). SXTB16 widens two of four bytes to 16
// bits; SMLAD and its like work on such pairs; SMMLAR scales.
#ifndef TFLM_DSP_H
#define TFLM_DSP_H

#include <stdint.h>
#include <string.h>

#include "../fixed.h"

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

// The same, with 16 bits added to each.
static inline pairs_t tflm_pairs_plus(uint32_t word, uint32_t plus) {
    pairs_t pairs;
    __asm__("sxtab16 %0, %1, %2" : "=r"(pairs.even) : "r"(plus), "r"(word));
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pairs.odd) : "r"(plus), "r"(word));
    return pairs;
}

// What tflm_scale_apply does, without a branch: x << left is multiplied and rounded, then shifted
// right and rounded once more. `twice` is twice the multiplier, less 2^32.
typedef struct {
    int32_t twice, left, right, half, negative;
} tflm_dsp_scale_t;

static inline tflm_dsp_scale_t tflm_dsp_scale(tflm_scale_t from) {
    tflm_dsp_scale_t scale = {(int32_t)((uint32_t)from.multiplier * 2), from.shift, 0, 0, 0};
    if (!from.multiplier) { // Such a small scale gives 0 for all that operators scale.
        scale.twice = INT32_MIN;
        scale.left = -31;
    }
    if (scale.left < 0) {
        scale.right = -scale.left;
        scale.left = 0;
        scale.half = (int32_t)(1u << (scale.right - 1));
        scale.negative = -1;
    }
    return scale;
}

// x times half of `twice` + 2^32, rounded, in units of 2^31.
static inline int32_t tflm_high_product(int32_t x, int32_t twice) {
    __asm__("smmlar %0, %0, %1, %0" : "+r"(x) : "r"(twice));
    return x;
}

// Returns how many channels' weights may be read to their end four at a time, which must not read
// beyond those of the last channel. Each has n, and they are `stride` bytes apart.
uint32_t tflm_dsp_in_fours(uint32_t n, uint32_t stride, uint32_t channels);

// Adds `words` times four products to the sums of four channels. Inputs are pairs, of the even
// elements and of the odd ones.
void tflm_dsp_add_channels(const uint32_t *pairs, const int8_t *w, uint32_t words, uint32_t stride,
                           int32_t *sum);

#endif
