// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    uint8_t input_type, output_type;
    int32_t input_zero_point, output_zero_point;
    int32_t low, high;
    tflm_scale_t scale;
    float real_scale; // For float inputs.
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
        self->output_zero_point = output->zero_point;
        tflm_type_range(output->type, &self->low, &self->high);
        self->real_scale = output->scale;
        if (!is_float) {
            self->scale = tflm_quantize_ratio(input->scale, 1, output->scale);
        }
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
            int32_t zero_point = self->output_zero_point;
            int32_t y = tflm_clamp(tflm_round(value / self->real_scale), self->low - zero_point,
                                   self->high - zero_point);
            tflm_set(output, self->output_type, i, y + zero_point);
        }
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        uint32_t x = (uint32_t)tflm_get(input, self->input_type, i);
        int32_t y = tflm_scale_apply((int32_t)(x - (uint32_t)self->input_zero_point),
                                     self->scale.multiplier, self->scale.shift);
        y = (int32_t)((uint32_t)y + (uint32_t)self->output_zero_point);
        tflm_set(output, self->output_type, i, tflm_clamp(y, self->low, self->high));
    }
}
