// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL of int16; batch_matmul.c prepares it.
#include "int16.h"
#include "matmul.h"

TFLM_EVAL(int16_batch_matmul) {
    const tflm_batch_matmul_t *self = data;
    const tflm_matmul_t *matmul = &self->matmul;
    const uint8_t *a = tflm_at(run, matmul->a), *b = tflm_at(run, matmul->b);
    int16_t *output = (int16_t *)(void *)tflm_at(run, matmul->output);
    output += (size_t)from * matmul->columns;
    for (uint32_t row = from; row < to; row++) {
        size_t at_a, at_b;
        tflm_matmul_start(matmul, row, &at_a, &at_b);
        for (uint32_t i = 0; i < matmul->columns; i++, at_b += matmul->b_matrix.line) {
            uint64_t sum = 0; // Wraps around.
            for (uint32_t j = 0; j < matmul->depth; j++) {
                int32_t x = tflm_int16(a, (uint32_t)at_a + j * matmul->a_matrix.step);
                int32_t y = tflm_int16(b, (uint32_t)at_b + j * matmul->b_matrix.step);
                sum += (uint64_t)(int64_t)((int64_t)x * y);
            }
            int32_t value =
                tflm_scale_apply_64(sum, self->to.scale.multiplier, self->to.scale.shift);
            *output++ = (int16_t)tflm_clamp(value, -32768, 32767);
        }
    }
}
