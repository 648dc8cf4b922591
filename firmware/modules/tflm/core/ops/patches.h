// SPDX-License-Identifier: Apache-2.0
// Convolutions: which products make up each output.
#ifndef TFLM_PATCHES_H
#define TFLM_PATCHES_H

#include "window.h"

typedef struct {
    tflm_window_t y, x;
    uint32_t depth;       // Channels of the input.
    uint32_t group_depth; // Those of them that one filter sees.
    uint32_t channels;
    uint32_t depthwise;
} tflm_patches_t;

// What one filter sees: `run` contiguous elements in each of `columns` of each of `rows`. Steps in
// the input are in bytes; the offset of its weights, and steps in them, are in elements.
typedef struct {
    const uint8_t *input;
    size_t weights;
    int32_t rows, columns;
    uint32_t run;
    ptrdiff_t input_row, input_column, weight_row, weight_column;
} tflm_patch_t;

// Checks the shapes of input, weights and output of CONV_2D or DEPTHWISE_CONV_2D, and its options;
// sets the node's rows to those of the output, and its macs.
TFLM_COLD tflm_status_t tflm_patches_init(tflm_node_t *node, const tflm_tensor_t *tensors,
                                          bool depthwise, tflm_patches_t *patches);

// As above, for TRANSPOSE_CONV, whose windows are those of a convolution from its output to its
// input. The node's rows are output positions, as for tflm_patches_walk.
TFLM_COLD tflm_status_t tflm_patches_init_transposed(tflm_node_t *node,
                                                     const tflm_tensor_t *tensors,
                                                     tflm_patches_t *patches);

// For tflm_patches_walk: sets the node's rows to output positions, each with the cost of filters of
// this many taps.
TFLM_COLD void tflm_patches_set_cost(tflm_node_t *node, const tflm_patches_t *patches,
                                     uint64_t taps, const tflm_tensor_t *output);

// Whether each filter's inputs lie as in the filter: the window has one tap, or whole contiguous
// rows.
bool tflm_patches_are_contiguous(const tflm_patches_t *patches);

// Copies what the filters of a group see at one output position; outside of the input they see
// `zero`, a byte. `input` is where the group's first channel of the batch begins.
void tflm_fill_patch(const tflm_patches_t *patches, uint32_t element_bytes, int32_t zero,
                     const uint8_t *input, int32_t row, int32_t column, uint8_t *patch);

typedef void tflm_patch_each_t(void *context, const tflm_patch_t *patch, uint32_t channel,
                               size_t output);

// Calls `each` for some positions, counted over all outputs, and every `together`th channel of
// each. Elements of the input have `input_bytes` bytes.
void tflm_patches_walk(const tflm_patches_t *patches, const uint8_t *input, uint32_t input_bytes,
                       uint32_t from, uint32_t to, uint32_t together, tflm_patch_each_t *each,
                       void *context);

// As above, for TRANSPOSE_CONV.
void tflm_patches_walk_transposed(const tflm_patches_t *patches, const uint8_t *input,
                                  uint32_t input_bytes, uint32_t from, uint32_t to,
                                  uint32_t together, tflm_patch_each_t *each, void *context);

#endif
