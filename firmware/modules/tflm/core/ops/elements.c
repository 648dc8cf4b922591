// SPDX-License-Identifier: Apache-2.0
// Operators on the elements of two tensors, in portable C.
#include "elements.h"

#if !defined(TFLM_HELIUM)

#if !defined(TFLM_DSP)

static inline int32_t finish(int32_t x, const tflm_requantize_t *to) {
    uint32_t y = (uint32_t)tflm_scale_apply(x, to->scale.multiplier, to->scale.shift);
    return tflm_clamp((int32_t)(y + (uint32_t)to->zero_point), to->low, to->high);
}

static inline int32_t sum(const tflm_arithmetic_t *self, int32_t x, int32_t y, int shift) {
    const tflm_scale_t *scale = &self->second_scale;
    y = tflm_scale_apply(y * (1 << shift), scale->multiplier, scale->shift);
    return x * self->first_factor + y * self->second_sign;
}

// Defines an operator whose output is `result` of x and y.
#define EACH(name, type, result)                                                                   \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        const tflm_arithmetic_t self = *(const tflm_arithmetic_t *)op;                             \
        const type *xs = self.swapped ? b : a, *ys = self.swapped ? a : b;                         \
        type *to = output;                                                                         \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            int32_t x = xs[i] + self.first_offset, y = ys[i] + self.second_offset;                 \
            to[i] = (type)finish(result, &self.to);                                                \
        }                                                                                          \
    }

EACH(sum_8, int8_t, sum(&self, x, y, TFLM_SUM_SHIFT_8))
EACH(sum_16, int16_t, sum(&self, x, y, TFLM_SUM_SHIFT_16))
EACH(product_8, int8_t, x *y)
EACH(product_16, int16_t, x *y)

#endif

#define CHOOSE(name, type, is_better)                                                              \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        (void)op;                                                                                  \
        const type *as = a, *bs = b;                                                               \
        type *to = output;                                                                         \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            to[i] = as[i] is_better bs[i] ? as[i] : bs[i];                                         \
        }                                                                                          \
    }

CHOOSE(smaller_16, int16_t, <)
CHOOSE(larger_16, int16_t, >)
CHOOSE(smaller_32, int32_t, <)
CHOOSE(larger_32, int32_t, >)
#if !defined(TFLM_DSP)
CHOOSE(smaller_8, int8_t, <)
CHOOSE(larger_8, int8_t, >)
#endif

#endif
