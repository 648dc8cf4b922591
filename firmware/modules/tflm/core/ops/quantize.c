// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    uint8_t input_type, output_type;
    int32_t input_zero_point;
    float real_scale; // For float inputs.
    tflm_requantize_t to;
} quantize_t;

TFLM_PREPARE(quantize) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "aA", t));
    const tflm_tensor_t *input = &t[0], *output = &t[1];
    bool is_float =
        input->type == TFLM_FLOAT32 && (output->type == TFLM_INT8 || output->type == TFLM_INT16);
    bool known =
        is_float ||
        (input->type == TFLM_INT8 && (output->type == TFLM_INT8 || output->type == TFLM_UINT8 ||
                                      output->type == TFLM_INT16 || output->type == TFLM_INT32)) ||
        (input->type == TFLM_UINT8 && output->type == TFLM_INT8) ||
        (input->type == TFLM_INT16 &&
         (output->type == TFLM_INT8 || output->type == TFLM_INT16 || output->type == TFLM_INT32)) ||
        (input->type == TFLM_INT32 && (output->type == TFLM_INT8 || output->type == TFLM_INT16));
    if (!known) {
        return tflm_types_fail(node, input, output);
    }
    if (!is_float) {
        TRY(tflm_expect_quantized(node, input));
    }
    TRY(tflm_expect_quantized(node, output));
    node->rows = input->elements;
    node->cost = 40;
    quantize_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->input_type = (uint8_t)input->type;
        self->output_type = (uint8_t)output->type;
        self->input_zero_point = input->zero_point;
        self->real_scale = output->scale;
        tflm_requantize_init(input->scale, 1, output, &self->to); // The scale: for integers.
    }
    return TFLM_OK;
}

TFLM_EVAL(quantize) {
    const quantize_t *self = data;
    const void *input = tflm_at(run, self->input);
    void *output = tflm_at(run, self->output);
    if (self->input_type == TFLM_FLOAT32) {
        for (uint32_t i = from; i < to; i++) {
            float value;
            memcpy(&value, (const uint8_t *)input + 4 * (size_t)i, sizeof value);
            int32_t zero_point = self->to.zero_point;
            int32_t y = tflm_clamp(tflm_round(value / self->real_scale), self->to.low - zero_point,
                                   self->to.high - zero_point);
            tflm_set(output, self->output_type, i, y + zero_point);
        }
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        uint32_t x = (uint32_t)tflm_get(input, self->input_type, i);
        x -= (uint32_t)self->input_zero_point;
        tflm_set(output, self->output_type, i, tflm_requantize((int32_t)x, &self->to));
    }
}
