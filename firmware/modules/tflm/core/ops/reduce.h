// SPDX-License-Identifier: Apache-2.0
// Operators that make one element of all those along some constant axes.
#ifndef TFLM_REDUCE_H
#define TFLM_REDUCE_H

#include "ops.h"

typedef struct {
    uint32_t elements; // Of the output.
    uint32_t inner_elements;
    uint32_t outer_rank, inner_rank;
    // Loops over what is kept, then over what is reduced; steps in the input.
    uint32_t count[TFLM_MAX_RANK], step[TFLM_MAX_RANK];
} tflm_reduction_t;

// MEAN, SUM and REDUCE_MAX of integers.
typedef struct {
    uint32_t input, output; // Places.
    int32_t input_zero_point, output_zero_point;
    tflm_scale_t scale;
    tflm_reduction_t reduction;
} tflm_reduce_t;

// Reads the axes, input 1, and checks the output; sets the node's rows, one an output, and cost.
tflm_status_t tflm_reduction_init(tflm_node_t *node, const tflm_tensor_t *input,
                                  const tflm_tensor_t *output, tflm_reduction_t *reduction);

// Where in the input the elements of output `i` begin, and how far on the `j`th of them lies.
uint32_t tflm_kept_offset(const tflm_reduction_t *reduction, uint32_t i);
uint32_t tflm_reduced_offset(const tflm_reduction_t *reduction, uint32_t j);

#endif
