// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL of int8; also prepares it for int16.
//
// The second matrix has the role of a fully connected layer's weights. For each pair of matrices,
// its columns come first, each a row of work: they are copied one after another unless they already
// lie so, and their sums, times the first matrix's zero point, become biases. Then come the rows of
// the output.
#include "bytes.h"
#include "dense.h"
#include "int16.h"
#include "matmul.h"

// Multiplier and shift follow. The biases change while it runs, and lie before the lines.
typedef struct {
    tflm_batch_matmul_t common;
    int32_t of_row; // Part of all biases: the row's sum times the second matrix's zero point.
    tflm_output_t stage;
} matmul_t;

TFLM_PREPARE(batch_matmul) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "qqq", t));
    bool wide = tflm_node_type(node) == TFLM_INT16;
    tflm_requantize_t to;
    tflm_requantize_init(t[0].scale * t[1].scale, 1, &t[2], &to);
    if (wide &&
        (to.scale.shift > TFLM_SHIFT_64 || t[0].zero_point || t[1].zero_point || t[2].zero_point)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "scales too far apart");
    }
    tflm_matmul_t matmul;
    TRY(tflm_matmul_init(node, t, &matmul));
    uint32_t columns = matmul.columns;
    if (wide) {
        node->cost *= 2;
    } else {
        // Biases come first; the rest is at most as large as the two matrices.
        matmul.lines = tflm_scratch(node, columns * 4ull + (columns + 1ull) * matmul.depth);
        node->rows += node->rows / matmul.rows * columns;
        node->cost = tflm_dense_cost(columns, matmul.depth) + 3 * (uint64_t)matmul.depth;
    }
    matmul_t *self = tflm_node_data(node, 4, sizeof *self + tflm_stage_bytes(columns, 1, false));
    if (self) {
        self->common.matmul = matmul;
        self->common.a_zero_point = t[0].zero_point;
        self->common.b_zero_point = t[1].zero_point;
        self->common.to = to;
        self->stage.zero_point = to.zero_point;
        self->stage.low = to.low;
        self->stage.high = to.high;
        self->stage.channels = columns;
        self->stage.scales = 1;
        self->stage.left = to.scale.shift >= 0;
        int32_t *multiplier = (int32_t *)(self + 1);
        multiplier[0] = to.scale.multiplier;
        *(int8_t *)(multiplier + 1) = (int8_t)to.scale.shift;
    }
    return TFLM_OK;
}

// Sums n bytes that are `step` apart, and copies them unless they are contiguous.
static int32_t line_up(const int8_t **from, size_t step, uint32_t n, int8_t *to) {
    const int8_t *at = *from;
    if (step > 1) {
        tflm_copy_runs(to, at, 1, n, 1, (int32_t)step);
        at = to;
    }
    *from = at;
    return tflm_sum_of(at, n);
}

TFLM_EVAL(batch_matmul) {
    matmul_t *self = (matmul_t *)(uintptr_t)data;
    const tflm_matmul_t *matmul = &self->common.matmul;
    uint32_t columns = matmul->columns, depth = matmul->depth, steps = columns + matmul->rows;
    uint32_t a_zero_point = (uint32_t)self->common.a_zero_point;
    uint32_t b_zero_point = (uint32_t)self->common.b_zero_point;
    const tflm_stage_t stage = tflm_stage(run, &self->stage, matmul->lines);
    uint32_t *bias = (uint32_t *)(void *)tflm_at(run, matmul->lines);
    int8_t *lines = (int8_t *)(bias + columns);
    for (uint32_t step = from; step < to; step++) {
        uint32_t column = step % steps, row = step / steps * matmul->rows;
        row += column < columns ? 0 : column - columns;
        size_t at_a, at_b;
        tflm_matmul_start(matmul, row, &at_a, &at_b);
        const int8_t *b = (const int8_t *)tflm_at(run, matmul->b) + at_b;
        if (column < columns) {
            self->of_row = 0;
            b += (size_t)column * matmul->b_matrix.line;
            int32_t sum = line_up(&b, matmul->b_matrix.step, depth, lines + column * depth);
            bias[column] = a_zero_point * (b_zero_point * depth - (uint32_t)sum);
            continue;
        }
        const int8_t *a = (const int8_t *)tflm_at(run, matmul->a) + at_a;
        int32_t sum = line_up(&a, matmul->a_matrix.step, depth, lines + (size_t)columns * depth);
        uint32_t of_row = 0u - b_zero_point * (uint32_t)sum;
        uint32_t more = of_row - (uint32_t)self->of_row;
        for (uint32_t i = 0; more && i < columns; i++) {
            bias[i] += more;
        }
        self->of_row = (int32_t)of_row;
        int8_t *output = (int8_t *)tflm_at(run, matmul->output) + (size_t)row * columns;
        tflm_dense_all(&stage, a, 0, matmul->b_matrix.step > 1 ? lines : b, depth, 0, columns,
                       output);
    }
}
