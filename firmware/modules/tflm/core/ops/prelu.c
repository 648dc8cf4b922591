// SPDX-License-Identifier: Apache-2.0
#include "broadcast.h"

typedef struct {
    uint32_t input, alpha, output; // Places.
    int32_t input_zero_point, alpha_zero_point, output_zero_point;
    tflm_scale_t identity, slope;
    tflm_broadcast_t broadcast;
} prelu_t;

TFLM_PREPARE(prelu) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "qqq", t));
    const tflm_tensor_t *input = &t[0], *alpha = &t[1], *output = &t[2];
    tflm_broadcast_t broadcast;
    TRY(tflm_broadcast_init(node, input, alpha, output, &broadcast));
    node->rows = output->elements;
    node->cost = 48;
    prelu_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        self->input_zero_point = input->zero_point;
        self->alpha_zero_point = alpha->zero_point;
        self->output_zero_point = output->zero_point;
        self->identity = tflm_quantize_ratio(input->scale, 1, output->scale);
        self->slope = tflm_quantize_ratio(input->scale, alpha->scale, output->scale);
        self->broadcast = broadcast;
    }
    return TFLM_OK;
}

TFLM_EVAL(prelu) {
    const prelu_t *self = data;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *alpha = (const int8_t *)tflm_at(run, self->alpha);
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    tflm_walk_t walk = tflm_walk_from(&self->broadcast, from);
    for (uint32_t i = from; i < to; i++) {
        int32_t x = input[walk.a] - self->input_zero_point;
        const tflm_scale_t *scale = &self->identity;
        if (x < 0) {
            x *= alpha[walk.b] - self->alpha_zero_point;
            scale = &self->slope;
        }
        x = tflm_scale_apply(x, scale->multiplier, scale->shift);
        x = (int32_t)((uint32_t)x + (uint32_t)self->output_zero_point);
        output[i] = (int8_t)tflm_clamp(x, -128, 127);
        tflm_walk_next(&self->broadcast, &walk);
    }
}
