// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL of int8; of int16, how it is prepared.
#include "int16.h"
#include "matmul.h"

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
    node->cost *= wide ? 2 : 1;
    tflm_batch_matmul_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        self->matmul = matmul;
        self->a_zero_point = t[0].zero_point;
        self->b_zero_point = t[1].zero_point;
        self->to = to;
    }
    return TFLM_OK;
}

TFLM_EVAL(batch_matmul) {
    const tflm_batch_matmul_t *self = data;
    const tflm_matmul_t *matmul = &self->matmul;
    size_t a_step = matmul->a_matrix.step, b_step = matmul->b_matrix.step;
    int8_t *output = (int8_t *)tflm_at(run, matmul->output) + (size_t)from * matmul->columns;
    for (uint32_t row = from; row < to; row++) {
        size_t at_a, at_b;
        tflm_matmul_start(matmul, row, &at_a, &at_b);
        const int8_t *line = (const int8_t *)tflm_at(run, matmul->b) + at_b;
        for (uint32_t i = 0; i < matmul->columns; i++, line += matmul->b_matrix.line) {
            const int8_t *a = (const int8_t *)tflm_at(run, matmul->a) + at_a, *b = line;
            uint32_t sum = 0;
            for (uint32_t j = 0; j < matmul->depth; j++, a += a_step, b += b_step) {
                sum += (uint32_t)((*a - self->a_zero_point) * (*b - self->b_zero_point));
            }
            *output++ = (int8_t)tflm_requantize((int32_t)sum, &self->to);
        }
    }
}
