// SPDX-License-Identifier: Apache-2.0
// ARG_MAX of int8 and float32.
#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    uint32_t count, inner;  // The elements that an output is chosen from, and their distance.
    uint32_t type;
} arg_max_t;

TFLM_PREPARE(arg_max) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "aaa", t));
    const tflm_tensor_t *input = &t[0], *parameter = &t[1], *output = &t[2];
    int32_t axis = 0;
    TRY(tflm_constants(node, parameter, &axis, 1));
    TRY(tflm_axis(node, input, &axis));
    if ((input->type != TFLM_INT8 && input->type != TFLM_FLOAT32) || output->type != TFLM_INT32) {
        return tflm_types_fail(node, input, output);
    }
    if (output->elements != input->elements / (uint32_t)input->dims[axis]) {
        return tflm_unfit(node);
    }
    uint32_t inner = 1;
    for (uint32_t i = (uint32_t)axis + 1; i < input->rank; i++) {
        inner *= (uint32_t)input->dims[i];
    }
    node->rows = output->elements;
    node->cost = 16 + 24 * (uint64_t)input->dims[axis];
    arg_max_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->inner = inner;
        self->count = (uint32_t)input->dims[axis];
        self->type = input->type;
    }
    return TFLM_OK;
}

// Returns element `i` as an integer of the same order; a float's bits are sign and magnitude.
static int32_t rank_of(const arg_max_t *self, const uint8_t *input, uint32_t i) {
    if (self->type == TFLM_INT8) {
        return (int8_t)input[i];
    }
    int32_t bits = tflm_get(input, TFLM_INT32, i);
    return bits < 0 ? -(bits & INT32_MAX) : bits;
}

TFLM_EVAL(arg_max) {
    const arg_max_t *self = data;
    const uint8_t *input = tflm_at(run, self->input);
    int32_t *output = (int32_t *)(void *)tflm_at(run, self->output);
    uint32_t inner = self->inner;
    for (uint32_t row = from; row < to; row++) {
        uint32_t first = row / inner * self->count * inner + row % inner;
        uint32_t best = 0;
        int32_t highest = rank_of(self, input, first);
        for (uint32_t k = 1; k < self->count; k++) {
            int32_t rank = rank_of(self, input, first + k * inner);
            if (rank > highest) {
                highest = rank;
                best = k;
            }
        }
        output[row] = (int32_t)best;
    }
}
