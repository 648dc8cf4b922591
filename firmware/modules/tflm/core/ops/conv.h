// SPDX-License-Identifier: Apache-2.0
// CONV_2D of int8: what its eval passes to the kernels of each instruction set.
#ifndef TFLM_CONV_H
#define TFLM_CONV_H

#include "dense.h"
#include "patches.h"

typedef struct {
    uint32_t input, weights, bias, patch, output_place; // Places.
    tflm_patches_t patches;
    int32_t zero_point;    // Of the input; taps outside of it see this value.
    uint32_t filter_bytes; // Of one output channel.
    int32_t columns;       // The positions of a row of outputs that are one part.
    uint32_t in_place;     // A filter's inputs are contiguous: they need not be copied to a patch.
    // The rows of work that fold biases, see tflm_fold_rows; the biases lie behind the patch.
    uint32_t fold_rows;
    tflm_output_t output;
} conv_t;

// Some positions of a row of outputs.
typedef struct {
    const conv_t *self;
    tflm_stage_t stage;
    const int8_t *input; // Of the batch.
    const int8_t *met;   // The first filter's inputs at the first position, if they are in place.
    const int8_t *weights;
    int8_t *patch, *output;
    int32_t y, x, end;       // The row, and the positions from `x` to `end`.
    uint32_t group_channels; // Output channels that use the same channels of the input.
} tflm_conv_part_t;

void tflm_conv_part(const tflm_conv_part_t *part);

#endif
