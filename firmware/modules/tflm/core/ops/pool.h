// SPDX-License-Identifier: Apache-2.0
// AVERAGE_POOL_2D and MAX_POOL_2D of integers, at one output position. The portable functions are
// the reference for those for Helium and Arm's DSP extension.
#ifndef TFLM_POOL_H
#define TFLM_POOL_H

#include <stddef.h>

#include "target.h"

// The taps that lie within the input at a position, at the first channel of the first tap.
typedef struct {
    const void *from;
    int32_t rows, columns;
    ptrdiff_t row_step, column_step; // in bytes
    uint32_t channels;
    int32_t low, high; // The range that the activation leaves.
} tflm_taps_of_pool_t;

// Computes the outputs of all channels. Means are rounded to nearest, halves away from zero.
typedef void tflm_pool_each_t(const tflm_taps_of_pool_t *taps, void *output);
tflm_pool_each_t tflm_largest_8, tflm_largest_16, tflm_mean_8, tflm_mean_16;

#endif
