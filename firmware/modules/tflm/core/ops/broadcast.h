// SPDX-License-Identifier: Apache-2.0
// Operators on two tensors element by element, with broadcasting.
#ifndef TFLM_BROADCAST_H
#define TFLM_BROADCAST_H

#include "ops.h"

// Loops over the output, outermost first. The steps are in elements; they are 0 where an input is
// repeated.
typedef struct {
    uint32_t rank;
    uint32_t count[TFLM_MAX_RANK];
    uint32_t a_step[TFLM_MAX_RANK], b_step[TFLM_MAX_RANK];
} tflm_broadcast_t;

// The start of an operator's data. A row is an element.
typedef struct {
    uint32_t a, b, output; // Places.
    tflm_broadcast_t broadcast;
} tflm_binary_t;

// Computes n elements of the output from n of each input; all are aligned and contiguous. The
// output may be one of the inputs.
typedef void tflm_run_of_two_t(const void *op, const void *a, const void *b, void *output,
                               uint32_t n);

// Fails unless the shapes of a and b, aligned at their last dimensions, give the output's.
tflm_status_t tflm_broadcast_init(tflm_node_t *node, const tflm_tensor_t *a, const tflm_tensor_t *b,
                                  const tflm_tensor_t *output, tflm_broadcast_t *broadcast);

// Checks the shapes of inputs and output; sets the node's rows, and its cost from that of an
// element; lets the output overlap an input. Creates the operator's data, `bytes` bytes that begin
// with a tflm_binary_t. *made is NULL if there is no room, see tflm_node_data.
tflm_status_t tflm_binary_new(tflm_node_t *node, const tflm_tensor_t *tensors, uint32_t cost,
                              uint32_t bytes, void **made);

// Calls `each` with the inputs of the output's elements from `from` to `to`; `op` is passed to it.
void tflm_binary_runs(const tflm_run_t *run, const tflm_binary_t *binary, uint32_t element_bytes,
                      uint32_t from, uint32_t to, tflm_run_of_two_t *each, const void *op);

#endif
