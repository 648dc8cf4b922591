// SPDX-License-Identifier: Apache-2.0
// PRELU of int8.
#include "broadcast.h"

typedef struct {
    tflm_binary_t binary;
    int32_t input_zero_point, alpha_zero_point;
    tflm_requantize_t identity, slope;
} prelu_t;

TFLM_PREPARE(prelu) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "qqq", t));
    const tflm_tensor_t *input = &t[0], *alpha = &t[1], *output = &t[2];
    void *made;
    TRY(tflm_binary_new(node, t, 32, sizeof(prelu_t), &made));
    prelu_t *self = made;
    if (self) {
        self->input_zero_point = input->zero_point;
        self->alpha_zero_point = alpha->zero_point;
        tflm_requantize_init(input->scale, 1, output, &self->identity);
        tflm_requantize_init(input->scale, alpha->scale, output, &self->slope);
    }
    return TFLM_OK;
}

static void each(const void *op, const void *inputs, const void *alphas, void *outputs,
                 uint32_t n) {
    const prelu_t *self = op;
    const int8_t *input = inputs, *alpha = alphas;
    int8_t *output = outputs;
    for (uint32_t i = 0; i < n; i++) {
        int32_t x = input[i] - self->input_zero_point;
        const tflm_requantize_t *to = &self->identity;
        if (x < 0) {
            x *= alpha[i] - self->alpha_zero_point;
            to = &self->slope;
        }
        x = tflm_scale_apply(x, to->scale.multiplier, to->scale.shift);
        x = (int32_t)((uint32_t)x + (uint32_t)to->zero_point);
        output[i] = (int8_t)tflm_clamp(x, to->low, to->high);
    }
}

TFLM_EVAL(prelu) {
    tflm_binary_runs(run, data, sizeof(int8_t), from, to, each, data);
}
