// SPDX-License-Identifier: Apache-2.0
// FULLY_CONNECTED of int8.
#include "dense.h"

typedef struct {
    uint32_t input, weights, bias, output_place; // Places.
    uint32_t depth;
    int32_t zero_point; // Of the input.
    tflm_output_t output;
} fully_connected_t;

TFLM_PREPARE(fully_connected) {
    tflm_tensor_t t[3];
    uint32_t depth;
    TRY(tflm_get_tensors(node, "qa?q", t));
    TRY(tflm_get_depth(node, t, &depth));
    void *made;
    TRY(tflm_dense_new(node, t, TFLM_FOLD | TFLM_SINGLE_PRECISION, 0, 4, sizeof(fully_connected_t),
                       &made));
    fully_connected_t *self = made;
    if (self) {
        self->depth = depth;
        self->zero_point = t[0].zero_point;
    }
    return TFLM_OK;
}

TFLM_EVAL(fully_connected) {
    const fully_connected_t *self = data;
    uint32_t depth = self->depth, units = self->output.channels;
    const tflm_stage_t stage = tflm_stage(run, &self->output, self->bias);
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    int8_t *output = (int8_t *)tflm_at(run, self->output_place);
    while (from < to) {
        uint32_t batch = from / units, unit = from % units;
        uint32_t end = to - from < units - unit ? unit + to - from : units;
        tflm_dense_all(&stage, input + (size_t)batch * depth, -self->zero_point, weights, depth,
                       unit, end, output + (size_t)batch * units);
        from += end - unit;
    }
}
