// SPDX-License-Identifier: Apache-2.0
// Operators on elements of two tensors, and pooling, for Arm's DSP extension; elements.c and
// pool_taps.c have the reference.
#include "dsp.h"

#include <stdbool.h>
#include "elements.h"
#include "pool.h"

#ifdef TFLM_DSP

static inline int32_t finish(int32_t x, const tflm_dsp_scale_t *scale,
                             const tflm_requantize_t *to) {
    x = tflm_high_product(x, scale->twice);
    x = (x + ((x >> 31) & scale->negative) + scale->half) >> scale->right;
    return tflm_clamp((int32_t)((uint32_t)x + (uint32_t)to->zero_point), to->low, to->high);
}

#define SUM(name, type, shift)                                                                     \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        const tflm_arithmetic_t self = *(const tflm_arithmetic_t *)op;                             \
        tflm_dsp_scale_t second = tflm_dsp_scale(self.second_scale);                               \
        const tflm_dsp_scale_t scale = tflm_dsp_scale(self.to.scale);                              \
        /* That only 1/2 is not shifted right lets it be 1/4 of twice as much. */                  \
        int left = (shift) + !second.right;                                                        \
        second.half += !second.right;                                                              \
        second.right += !second.right;                                                             \
        const type *xs = self.swapped ? b : a, *ys = self.swapped ? a : b;                         \
        type *to = output, *end = to + n;                                                          \
        int32_t offset = self.first_offset * self.first_factor;                                    \
        while (to < end) {                                                                         \
            int32_t y = (int32_t)((uint32_t)(*ys++ + self.second_offset) << left);                 \
            y = tflm_high_product(y, second.twice);                                                \
            y = (y + (y >> 31) + second.half) >> second.right;                                     \
            y = *xs++ * self.first_factor + offset + y * self.second_sign;                         \
            *to++ = (type)finish(y, &scale, &self.to);                                             \
        }                                                                                          \
    }

SUM(sum_8, int8_t, TFLM_SUM_SHIFT_8)
SUM(sum_16, int16_t, TFLM_SUM_SHIFT_16)

#define PRODUCT(name, type)                                                                        \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        const tflm_arithmetic_t self = *(const tflm_arithmetic_t *)op;                             \
        const tflm_dsp_scale_t scale = tflm_dsp_scale(self.to.scale);                              \
        const type *xs = a, *ys = b;                                                               \
        type *to = output, *end = to + n;                                                          \
        while (to < end) {                                                                         \
            int32_t x = (*xs++ + self.first_offset) * (*ys++ + self.second_offset);                \
            x = (int32_t)((uint32_t)x << scale.left);                                              \
            *to++ = (type)finish(x, &scale, &self.to);                                             \
        }                                                                                          \
    }

PRODUCT(product_8, int8_t)
PRODUCT(product_16, int16_t)

// Returns the larger one of each pair of bytes of two words, or with `invert`, which inverts all
// bits, the smaller one.
static inline uint32_t larger(uint32_t x, uint32_t y, uint32_t invert) {
    uint32_t largest;
    x ^= invert;
    y ^= invert;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(largest) : "r"(x), "r"(y));
    return largest ^ invert;
}

static TFLM_NOINLINE void choose(const int8_t *a, const int8_t *b, int8_t *to, uint32_t n,
                                 uint32_t invert) {
    for (int8_t *last = to + n / 4 * 4; to < last; a += 4, b += 4, to += 4) {
        uint32_t word = larger(tflm_word(a), tflm_word(b), invert);
        memcpy(to, &word, sizeof word);
    }
    for (n %= 4; n; n--) {
        *to++ = (int8_t)larger((uint8_t)*a++, (uint8_t)*b++, invert);
    }
}

// Takes four channels at a time, and the last ones one by one.
void tflm_largest_8(const tflm_taps_of_pool_t *taps, void *output) {
    const int8_t *from = taps->from, *last = from + taps->channels;
    int8_t *to = output;
    uint32_t low = (uint8_t)taps->low * 0x01010101u, high = (uint8_t)taps->high * 0x01010101u;
    while (from < last) {
        uint32_t largest = low;
        const int8_t *row = from;
        bool four = last - from >= 4;
        for (int32_t i = taps->rows; i; i--, row += taps->row_step) {
            const int8_t *at = row;
            for (int32_t j = taps->columns; j; j--, at += taps->column_step) {
                largest = larger(largest, four ? tflm_word(at) : (uint8_t)*at, 0);
            }
        }
        largest = larger(largest, high, UINT32_MAX);
        if (four) {
            memcpy(to, &largest, sizeof largest);
            from += 4;
            to += 4;
        } else {
            *to++ = (int8_t)largest;
            from++;
        }
    }
}

TFLM_RUN_OF_TWO(smaller_8) {
    (void)op;
    choose(a, b, output, n, UINT32_MAX);
}

TFLM_RUN_OF_TWO(larger_8) {
    (void)op;
    choose(a, b, output, n, 0);
}

#endif
