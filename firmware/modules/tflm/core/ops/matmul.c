// SPDX-License-Identifier: Apache-2.0
// Prepares BATCH_MATMUL, and finds the matrices of each row of work.
#include "matmul.h"

// Takes the last two dimensions off a tensor.
static void cut(tflm_tensor_t *tensor, uint32_t *rows, uint32_t *columns) {
    tensor->rank -= 2;
    *rows = (uint32_t)tensor->dims[tensor->rank];
    *columns = (uint32_t)tensor->dims[tensor->rank + 1];
}

// A matrix of `lines` with `factors` each, which are contiguous unless `across` is set.
static tflm_matrix_t matrix(uint32_t lines, uint32_t factors, bool across) {
    tflm_matrix_t matrix = {lines * factors, across ? 1 : factors, across ? lines : 1};
    return matrix;
}

tflm_status_t tflm_matmul_init(tflm_node_t *node, tflm_tensor_t *tensors, tflm_matmul_t *matmul) {
    tflm_tensor_t *a = &tensors[0], *b = &tensors[1], *output = &tensors[2];
    if (a->rank < 2 || b->rank < 2 || output->rank < 2) {
        return tflm_unfit(node);
    }
    bool a_across = fb_field_u8(&node->load->fb, node->options, 0, 0);
    bool b_across = !fb_field_u8(&node->load->fb, node->options, 1, 0);
    uint32_t a_rows, a_columns, b_rows, b_columns, rows, columns;
    cut(a, &a_rows, &a_columns);
    cut(b, &b_rows, &b_columns);
    cut(output, &rows, &columns);
    uint32_t depth = a_across ? a_rows : a_columns;
    if (depth != (b_across ? b_rows : b_columns) || rows != (a_across ? a_columns : a_rows) ||
        columns != (b_across ? b_columns : b_rows)) {
        return tflm_unfit(node);
    }
    TRY(tflm_broadcast_init(node, a, b, output, &matmul->matrices));
    matmul->a = tflm_node_input(node, 0);
    matmul->b = tflm_node_input(node, 1);
    matmul->lines = TFLM_NO_TENSOR;
    matmul->output = tflm_node_output(node, 0);
    matmul->rows = rows;
    matmul->columns = columns;
    matmul->depth = depth;
    matmul->a_matrix = matrix(rows, depth, a_across);
    matmul->b_matrix = matrix(columns, depth, b_across);
    node->rows = output->elements / columns;
    node->macs = (uint64_t)output->elements * depth;
    node->cost = (uint64_t)columns * (48 + 10 * (uint64_t)depth);
    return TFLM_OK;
}

void tflm_matmul_start(const tflm_matmul_t *matmul, uint32_t row, size_t *a, size_t *b) {
    const tflm_broadcast_t *matrices = &matmul->matrices;
    uint32_t number = row / matmul->rows;
    uint32_t at_a = 0, at_b = 0;
    for (uint32_t i = matrices->rank; i-- > 0;) {
        uint32_t index = number % matrices->count[i];
        number /= matrices->count[i];
        at_a += index * matrices->a_step[i];
        at_b += index * matrices->b_step[i];
    }
    *a = (size_t)at_a * matmul->a_matrix.elements +
         (size_t)(row % matmul->rows) * matmul->a_matrix.line;
    *b = (size_t)at_b * matmul->b_matrix.elements;
}
