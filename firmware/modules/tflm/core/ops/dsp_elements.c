// SPDX-License-Identifier: Apache-2.0
// Operators on elements of two tensors, and pooling, for Arm's DSP extension; elements.c and
// pool_taps.c have the reference.
#include "dsp.h"

#include <stdbool.h>
#include "elements.h"
#include "pool.h"

#ifdef TFLM_DSP

// What tflm_scale_apply does, without a branch: x << left, times a multiplier of which this is
// twice as much less 2^32, rounded, then shifted right and rounded once more.
typedef struct {
    int32_t twice, left, right, half, negative;
} scale_t;

static inline scale_t scale_of(tflm_scale_t from) {
    scale_t scale = {(int32_t)((uint32_t)from.multiplier * 2), from.shift, 0, 0, 0};
    if (!from.multiplier) { // As small a scale as there is gives 0 for what the operators scale.
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
static inline int32_t high_product(int32_t x, int32_t twice) {
    __asm__("smmlar %0, %0, %1, %0" : "+r"(x) : "r"(twice));
    return x;
}

static inline int32_t finish(int32_t x, const scale_t *scale, const tflm_requantize_t *to) {
    x = high_product(x, scale->twice);
    x = (x + ((x >> 31) & scale->negative) + scale->half) >> scale->right;
    return tflm_clamp((int32_t)((uint32_t)x + (uint32_t)to->zero_point), to->low, to->high);
}

#define SUM(name, type, shift)                                                                     \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        const tflm_arithmetic_t self = *(const tflm_arithmetic_t *)op;                             \
        scale_t second = scale_of(self.second_scale);                                              \
        const scale_t scale = scale_of(self.to.scale);                                             \
        /* That only 1/2 is not shifted right lets it be 1/4 of twice as much. */                  \
        int left = (shift) + !second.right;                                                        \
        second.half += !second.right;                                                              \
        second.right += !second.right;                                                             \
        const type *xs = self.swapped ? b : a, *ys = self.swapped ? a : b;                         \
        type *to = output, *end = to + n;                                                          \
        int32_t offset = self.first_offset * self.first_factor;                                    \
        while (to < end) {                                                                         \
            int32_t y = (int32_t)((uint32_t)(*ys++ + self.second_offset) << left);                 \
            y = high_product(y, second.twice);                                                     \
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
        const scale_t scale = scale_of(self.to.scale);                                             \
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

// The larger ones of four bytes each, in a word, then of the rest; with all bits inverted that
// makes the smaller ones.
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

// Four channels at a time; of the last ones, one.
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
