// SPDX-License-Identifier: Apache-2.0
// Operators that reduce a tensor along constant axes.
#ifndef TFLM_REDUCE_H
#define TFLM_REDUCE_H

#include "ops.h"

// Loops over some elements of the input, outermost first.
typedef struct {
    uint32_t elements;
    uint32_t rank;
    uint32_t count[TFLM_MAX_RANK], step[TFLM_MAX_RANK];
} tflm_loops_t;

typedef struct {
    tflm_loops_t kept, runs; // Elements to reduce lie in runs with one step.
    uint32_t run, run_step;
    uint32_t inner_elements; // Elements of all runs.
} tflm_reduction_t;

// MEAN, SUM and REDUCE_MAX of integers.
typedef struct {
    uint32_t input, output; // Places.
    int32_t input_zero_point;
    tflm_requantize_t to;
    tflm_reduction_t reduction;
} tflm_reduce_t;

// Reads the axes, input 1, and checks the output; sets the node's rows, one for each output, and
// its cost.
tflm_status_t tflm_reduction_init(tflm_node_t *node, const tflm_tensor_t *input,
                                  const tflm_tensor_t *output, tflm_reduction_t *reduction);

// Returns where element `i` of loops lies in the input.
uint32_t tflm_offset(const tflm_loops_t *loops, uint32_t i);

#endif
