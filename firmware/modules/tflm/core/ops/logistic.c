// SPDX-License-Identifier: Apache-2.0
#include "ops.h"

enum { INPUT_INTEGER_BITS = 4 };

typedef struct {
    uint32_t input, output; // Places.
    int32_t zero_point;
    int32_t radius; // From here on the result is 0 or 1.
    tflm_scale_t scale;
} logistic_t;

TFLM_PREPARE(logistic) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "qQ", t));
    const tflm_tensor_t *input = &t[0], *output = &t[1];
    if (output->zero_point != -128) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the output's zero point is %d, not -128",
                              output->zero_point);
    }
    tflm_scale_t scale = tflm_quantize_ratio(input->scale, 1 << (31 - INPUT_INTEGER_BITS), 1);
    if (scale.shift < 0 || scale.shift > 30) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the input's scale");
    }
    node->rows = input->elements;
    node->cost = 320;
    logistic_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->zero_point = input->zero_point;
        self->scale = scale;
        self->radius = tflm_input_radius(INPUT_INTEGER_BITS, scale.shift);
    }
    return TFLM_OK;
}

TFLM_EVAL(logistic) {
    const logistic_t *self = data;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        int32_t x = input[i] - self->zero_point;
        int32_t y;
        if (x <= -self->radius) {
            y = -128;
        } else if (x >= self->radius) {
            y = 127;
        } else {
            y = tflm_logistic(tflm_scaled(x, self->scale));
            y = tflm_clamp(tflm_rounding_shift(y, 31 - 8) - 128, -128, 127);
        }
        output[i] = (int8_t)y;
    }
}
