// SPDX-License-Identifier: Apache-2.0
#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    uint32_t outer, count, inner;
} arg_max_t;

TFLM_PREPARE(arg_max) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t input, output, parameter;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_input(node, 1, &parameter));
    TRY(tflm_get_output(node, 0, &output));
    int32_t axis = 0;
    TRY(tflm_constants(node, &parameter, &axis, 1));
    axis += axis < 0 ? (int32_t)input.rank : 0;
    if (input.type != TFLM_INT8 || output.type != TFLM_INT32) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s to %s", tflm_type_name(input.type),
                              tflm_type_name(output.type));
    }
    if (axis < 0 || axis >= (int32_t)input.rank ||
        output.elements != input.elements / (uint32_t)input.dims[axis]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "axis %d, %u results", axis, output.elements);
    }
    uint32_t inner = 1;
    for (uint32_t i = (uint32_t)axis + 1; i < input.rank; i++) {
        inner *= (uint32_t)input.dims[i];
    }
    node->cost = 1 + input.elements;
    arg_max_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->input = tflm_node_input(node, 0);
        self->output = tflm_node_output(node, 0);
        self->inner = inner;
        self->count = (uint32_t)input.dims[axis];
        self->outer = output.elements / inner;
    }
    return TFLM_OK;
}

TFLM_EVAL(arg_max) {
    const arg_max_t *self = data;
    (void)from;
    (void)to;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int32_t *output = (int32_t *)(void *)tflm_at(run, self->output);
    for (uint32_t i = 0; i < self->outer; i++, input += self->count * self->inner) {
        for (uint32_t j = 0; j < self->inner; j++) {
            uint32_t best = 0;
            for (uint32_t k = 1; k < self->count; k++) {
                if (input[k * self->inner + j] > input[best * self->inner + j]) {
                    best = k;
                }
            }
            *output++ = (int32_t)best;
        }
    }
}
