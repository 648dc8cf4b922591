// SPDX-License-Identifier: Apache-2.0
// QUANTIZE from float32, or from one quantization to another.
#include <string.h>

#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    uint8_t input_type, output_type;
    int32_t input_zero_point;
    float real_scale; // For float inputs.
    tflm_requantize_t to;
} quantize_t;

// The types that the output may have, by the type of the input.
static const uint16_t outputs[] = {
    [TFLM_FLOAT32] = 1 << TFLM_INT8 | 1 << TFLM_INT16,
    [TFLM_INT32] = 1 << TFLM_INT8 | 1 << TFLM_INT16,
    [TFLM_UINT8] = 1 << TFLM_INT8,
    [TFLM_INT16] = 1 << TFLM_INT8 | 1 << TFLM_INT16 | 1 << TFLM_INT32,
    [TFLM_INT8] = 1 << TFLM_INT8 | 1 << TFLM_UINT8 | 1 << TFLM_INT16 | 1 << TFLM_INT32,
};

TFLM_PREPARE(quantize) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "aA", t));
    const tflm_tensor_t *input = &t[0], *output = &t[1];
    if (input->type > TFLM_INT8 || !(outputs[input->type] >> output->type & 1)) {
        return tflm_types_fail(node, input, output);
    }
    if (input->type != TFLM_FLOAT32) {
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
        tflm_requantize_init(input->scale, 1, output, &self->to); // The scale is for integers.
    }
    return TFLM_OK;
}

TFLM_EVAL(quantize) {
    const quantize_t *self = data;
    const uint8_t *input = tflm_at(run, self->input);
    void *output = tflm_at(run, self->output);
    const tflm_requantize_t *to_output = &self->to;
    for (uint32_t i = from; i < to; i++) {
        int32_t y;
        if (self->input_type == TFLM_FLOAT32) {
            float value;
            memcpy(&value, input + 4 * (size_t)i, sizeof value);
            y = tflm_quantize_real(value, self->real_scale, to_output->zero_point, to_output->low,
                                   to_output->high);
        } else {
            uint32_t x = (uint32_t)tflm_get(input, self->input_type, i);
            y = tflm_requantize((int32_t)(x - (uint32_t)self->input_zero_point), to_output);
        }
        tflm_set(output, self->output_type, i, y);
    }
}
