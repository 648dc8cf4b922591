// SPDX-License-Identifier: Apache-2.0
// DEQUANTIZE of uint8, int8 and int16.
#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    uint32_t type;
    int32_t zero_point;
    float scale;
} dequantize_t;

TFLM_PREPARE(dequantize) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "aA", t));
    const tflm_tensor_t *input = &t[0], *output = &t[1];
    if ((input->type != TFLM_INT8 && input->type != TFLM_UINT8 && input->type != TFLM_INT16) ||
        output->type != TFLM_FLOAT32) {
        return tflm_types_fail(node, input, output);
    }
    TRY(tflm_expect_quantized(node, input));
    node->rows = input->elements;
    node->cost = 16;
    dequantize_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->type = input->type;
        self->zero_point = input->zero_point;
        self->scale = input->scale;
    }
    return TFLM_OK;
}

TFLM_EVAL(dequantize) {
    const dequantize_t *self = data;
    const uint8_t *input = tflm_at(run, self->input);
    float *output = (float *)(void *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        output[i] = self->scale * (float)(tflm_get(input, self->type, i) - self->zero_point);
    }
}
