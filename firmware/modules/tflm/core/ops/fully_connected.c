// SPDX-License-Identifier: Apache-2.0
#include "dense.h"

typedef struct {
    uint32_t input, weights, bias, output_place; // Places.
    uint32_t depth;
    int32_t zero_point; // Of the input.
    uint32_t fold_rows; // Of int4: rows of work that fold biases, which lie behind the weights.
    tflm_output_t output;
} fully_connected_t;

TFLM_PREPARE(fully_connected) {
    tflm_tensor_t t[3];
    uint32_t depth;
    TRY(tflm_get_tensors(node, "qa?q", t));
    TRY(tflm_get_depth(node, t, &depth));
    uint32_t fold_rows = tflm_fold_rows(node, (uint32_t)t[1].dims[0], depth, 1);
    int how = fold_rows ? TFLM_SINGLE_PRECISION : TFLM_SINGLE_PRECISION | TFLM_FOLD;
    void *made;
    TRY(tflm_dense_new(node, t, how, 0, 4, sizeof(fully_connected_t), &made));
    fully_connected_t *self = made;
    if (self) {
        self->depth = depth;
        self->zero_point = t[0].zero_point;
        self->fold_rows = fold_rows;
    }
    return TFLM_OK;
}

TFLM_EVAL(fully_connected) {
    const fully_connected_t *self = data;
    uint32_t depth = self->depth, units = self->output.channels;
    tflm_stage_t stage = tflm_stage(run, &self->output, self->bias);
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    int8_t *output = (int8_t *)tflm_at(run, self->output_place);
#ifndef TFLM_DSP
    uint32_t fold_rows = self->fold_rows;
    if (fold_rows) {
        const int8_t *behind = weights + tflm_align(units * depth, sizeof(int32_t));
        int32_t *folded = (int32_t *)(uintptr_t)behind;
        for (; from < fold_rows && from < to; from++) {
            tflm_fold_row(&stage, weights, depth, self->zero_point, units, from, fold_rows, folded);
        }
        stage.bias = folded;
        from -= fold_rows;
        to -= fold_rows;
    }
#endif
    while ((int32_t)from < (int32_t)to) {
        uint32_t batch = from / units, unit = from % units;
        uint32_t end = to - from < units - unit ? unit + to - from : units;
        tflm_dense_all(&stage, input + (size_t)batch * depth, -self->zero_point, weights, depth,
                       unit, end, output + (size_t)batch * units);
        from += end - unit;
    }
}
