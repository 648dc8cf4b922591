// SPDX-License-Identifier: Apache-2.0
// Operators on elements of two tensors, in contiguous runs: see tflm_run_of_two_t. The portable
// functions are the reference for those for Helium and Arm's DSP extension.
#ifndef TFLM_ELEMENTS_H
#define TFLM_ELEMENTS_H

#include <stdbool.h>

#include "target.h"

// The bits by which inputs of sums are shifted left, for precision.
enum { TFLM_SUM_SHIFT_8 = 20, TFLM_SUM_SHIFT_16 = 15 };

// In sums, the factor of the input with the larger scale is exactly 1/2. That input is the first,
// unless they are swapped.
typedef struct {
    bool swapped;
    int32_t first_offset, second_offset;
    int32_t first_factor;      // In sums: the first input's factor.
    int32_t second_sign;       // In sums.
    tflm_scale_t second_scale; // In sums: at most 1/2.
    tflm_requantize_t to;      // In sums: below 1.
} tflm_arithmetic_t;

#define TFLM_RUN_OF_TWO(name)                                                                      \
    void tflm_##name(const void *op, const void *a, const void *b, void *output, uint32_t n)

// `op` is a tflm_arithmetic_t.
TFLM_RUN_OF_TWO(sum_8);
TFLM_RUN_OF_TWO(sum_16);
TFLM_RUN_OF_TWO(product_8);
TFLM_RUN_OF_TWO(product_16);

TFLM_RUN_OF_TWO(smaller_8);
TFLM_RUN_OF_TWO(smaller_16);
TFLM_RUN_OF_TWO(smaller_32);
TFLM_RUN_OF_TWO(larger_8);
TFLM_RUN_OF_TWO(larger_16);
TFLM_RUN_OF_TWO(larger_32);

#endif
