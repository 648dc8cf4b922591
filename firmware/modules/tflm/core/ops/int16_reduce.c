// SPDX-License-Identifier: Apache-2.0
// MEAN and SUM of int16; reduce.c prepares them.
#include "reduce.h"

TFLM_EVAL(int16_mean_or_sum) {
    const tflm_reduce_t *self = data;
    const tflm_reduction_t *reduction = &self->reduction;
    const uint8_t *input = tflm_at(run, self->input);
    int16_t *output = (int16_t *)(void *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        uint32_t start = tflm_offset(&reduction->kept, i), sum = 0; // Wraps around.
        for (uint32_t j = 0; j < reduction->runs.elements; j++) {
            uint32_t at = start + tflm_offset(&reduction->runs, j);
            for (uint32_t k = reduction->run; k; k--, at += reduction->run_step) {
                sum += (uint32_t)(tflm_int16(input, at) - self->input_zero_point);
            }
        }
        output[i] = (int16_t)tflm_requantize((int32_t)sum, &self->to);
    }
}
