// SPDX-License-Identifier: Apache-2.0
// Convolutions: which products make up each output.
#ifndef TFLM_PATCHES_H
#define TFLM_PATCHES_H

#include "window.h"

typedef struct {
    tflm_window_t y, x;
    uint32_t depth;       // Channels of the input.
    uint32_t group_depth; // Of these, what one filter sees.
    uint32_t channels;
    uint32_t depthwise;
} tflm_patches_t;

// What one filter meets: `run` neighbours, in each of `columns` of each of `rows`. Steps in the
// input are in bytes; where its weights are, and steps there, in elements.
typedef struct {
    const uint8_t *input;
    size_t weights;
    int32_t rows, columns;
    uint32_t run;
    ptrdiff_t input_row, input_column, weight_row, weight_column;
} tflm_patch_t;

// Checks the shapes of input, weights and output of CONV_2D or DEPTHWISE_CONV_2D, and its options;
// sets the node's rows, which are the output's, and macs.
TFLM_COLD tflm_status_t tflm_patches_init(tflm_node_t *node, const tflm_tensor_t *tensors,
                                          bool depthwise, tflm_patches_t *patches);

// As above, for TRANSPOSE_CONV. There the windows run the other way: a convolution with them would
// make the input from the output. The node's rows are output positions, as for walking.
TFLM_COLD tflm_status_t tflm_patches_init_transposed(tflm_node_t *node,
                                                     const tflm_tensor_t *tensors,
                                                     tflm_patches_t *patches);

// For walking: the node's rows are output positions, of which each costs as much as filters of so
// many taps take.
TFLM_COLD void tflm_patches_set_cost(tflm_node_t *node, const tflm_patches_t *patches,
                                     uint64_t taps, const tflm_tensor_t *output);

// Whether what each filter meets lies in the input as in the filter: one tap wide and high, or
// whole rows, one after the other.
bool tflm_patches_are_contiguous(const tflm_patches_t *patches);

// Copies what the filters of a group meet at one output position, elements of so many bytes; off
// the input, `zero`, a byte. `input` is where the group's first channel of the batch begins.
void tflm_fill_patch(const tflm_patches_t *patches, uint32_t element_bytes, int32_t zero,
                     const uint8_t *input, int32_t row, int32_t column, uint8_t *patch);

typedef void tflm_patch_each_t(void *context, const tflm_patch_t *patch, uint32_t channel,
                               size_t output);

// Calls `each` for outputs of some positions, numbered from the first output of all on: for every
// `together`th channel. Elements of the input have `input_bytes` each.
void tflm_patches_walk(const tflm_patches_t *patches, const uint8_t *input, uint32_t input_bytes,
                       uint32_t from, uint32_t to, uint32_t together, tflm_patch_each_t *each,
                       void *context);

// As above, for TRANSPOSE_CONV.
void tflm_patches_walk_transposed(const tflm_patches_t *patches, const uint8_t *input,
                                  uint32_t input_bytes, uint32_t from, uint32_t to,
                                  uint32_t together, tflm_patch_each_t *each, void *context);

#endif
