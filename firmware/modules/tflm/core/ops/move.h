// SPDX-License-Identifier: Apache-2.0
// Operators that only move elements: they copy a box from one tensor into another. All of them emit
// records of this kind, one for each box.
#ifndef TFLM_MOVE_H
#define TFLM_MOVE_H

#include "ops.h"

// A box of elements, with the distance between neighbours along each dimension, in elements. It
// does not matter for a dimension of 1. No tensor has 2^31 elements.
typedef struct {
    uint32_t rank;
    int32_t dims[TFLM_MAX_RANK];
    int32_t to_steps[TFLM_MAX_RANK], from_steps[TFLM_MAX_RANK];
    int32_t to_offset, from_offset;
} tflm_box_t;

// Gives the distances between neighbours along each dimension of a tensor, in elements.
TFLM_COLD void tflm_steps(const tflm_tensor_t *tensor, int32_t *steps);

// Gives a box as large as `tensor`, contiguous at both ends.
TFLM_COLD void tflm_box(const tflm_tensor_t *tensor, tflm_box_t *box);

// Emits the record that moves a box between two tensors. The caller has checked that the box lies
// within both.
TFLM_COLD tflm_status_t tflm_emit_move(tflm_node_t *node, uint32_t to, uint32_t from,
                                       const tflm_box_t *box, uint32_t element_bytes);

// The same, but the rest of the target's `fill_elements` gets the value `fill`. The box must not go
// backwards in the target.
TFLM_COLD tflm_status_t tflm_emit_filled_move(tflm_node_t *node, uint32_t to, uint32_t from,
                                              const tflm_box_t *box, uint32_t element_bytes,
                                              uint32_t fill_elements, int32_t fill);

#endif
