// SPDX-License-Identifier: Apache-2.0
#include "broadcast.h"

typedef struct {
    uint32_t input, alpha, output; // Places.
    int32_t input_zero_point, alpha_zero_point;
    tflm_requantize_t identity, slope;
    tflm_broadcast_t broadcast;
} prelu_t;

TFLM_PREPARE(prelu) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "qqq", t));
    const tflm_tensor_t *input = &t[0], *alpha = &t[1], *output = &t[2];
    tflm_broadcast_t broadcast;
    TRY(tflm_broadcast_init(node, input, alpha, output, &broadcast));
    node->rows = output->elements;
    node->cost = 64;
    prelu_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        self->input_zero_point = input->zero_point;
        self->alpha_zero_point = alpha->zero_point;
        tflm_requantize_init(input->scale, 1, output, &self->identity);
        tflm_requantize_init(input->scale, alpha->scale, output, &self->slope);
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
        const tflm_requantize_t *to = &self->identity;
        if (x < 0) {
            x *= alpha[walk.b] - self->alpha_zero_point;
            to = &self->slope;
        }
        output[i] = (int8_t)tflm_requantize(x, to);
        tflm_walk_next(&self->broadcast, &walk);
    }
}
