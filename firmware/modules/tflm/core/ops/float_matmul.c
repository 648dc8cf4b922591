// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL of float32.
#include "float32.h"
#include "matmul.h"

TFLM_PREPARE(float_batch_matmul) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t t[3];
    TRY(tflm_get_input(node, 0, &t[0]));
    TRY(tflm_get_input(node, 1, &t[1]));
    TRY(tflm_get_output(node, 0, &t[2]));
    TRY(tflm_expect_float32(node, t, 3));
    tflm_matmul_t matmul;
    TRY(tflm_matmul_init(node, t, &matmul));
    tflm_matmul_t *self = tflm_node_data(node, 4, sizeof *self);
    if (self) {
        *self = matmul;
    }
    return TFLM_OK;
}

TFLM_EVAL(float_batch_matmul) {
    const tflm_matmul_t *self = data;
    ptrdiff_t a_step = (ptrdiff_t)(self->a_matrix.step * sizeof(float));
    ptrdiff_t b_step = (ptrdiff_t)(self->b_matrix.step * sizeof(float));
    float *output = (float *)(void *)tflm_at(run, self->output) + (size_t)from * self->columns;
    for (uint32_t row = from; row < to; row++) {
        size_t at_a, at_b;
        tflm_matmul_start(self, row, &at_a, &at_b);
        const uint8_t *a = tflm_at(run, self->a) + at_a * sizeof(float);
        const uint8_t *b = tflm_at(run, self->b) + at_b * sizeof(float);
        for (uint32_t i = 0; i < self->columns; i++, b += self->b_matrix.line * sizeof(float)) {
            *output++ = tflm_dot_f32(a, a_step, b, b_step, self->depth, 0);
        }
    }
}
