// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL: matrices in the last two dimensions, the others broadcast. Either may be given
// transposed (adj_x, adj_y); neither is copied for that.
#ifndef TFLM_MATMUL_H
#define TFLM_MATMUL_H

#include "broadcast.h"

// How a matrix lies in its tensor, in elements.
typedef struct {
    uint32_t elements;
    uint32_t line; // To the next row of the first matrix, or column of the second.
    uint32_t step; // To the next factor.
} tflm_matrix_t;

// The start of an operator's data. A row of work is a row of an output matrix.
typedef struct {
    uint32_t a, b, lines,
        output; // Places; lines: of the second matrix, of int8, see batch_matmul.c.
    uint32_t rows, columns, depth;
    tflm_matrix_t a_matrix, b_matrix;
    tflm_broadcast_t matrices;
} tflm_matmul_t;

// For integers.
typedef struct {
    tflm_matmul_t matmul;
    int32_t a_zero_point, b_zero_point;
    tflm_requantize_t to;
} tflm_batch_matmul_t;

// Checks the shapes of both inputs and the output, whose types the caller has checked; sets the
// node's rows and macs.
TFLM_COLD tflm_status_t tflm_matmul_init(tflm_node_t *node, tflm_tensor_t *tensors,
                                         tflm_matmul_t *matmul);

// Gives where row `row`, counted over all output matrices, begins in both inputs, in elements.
void tflm_matmul_start(const tflm_matmul_t *matmul, uint32_t row, size_t *a, size_t *b);

#endif
