// SPDX-License-Identifier: Apache-2.0
// MEAN, SUM and REDUCE_MAX of int8 over constant axes.
#include "ops.h"

#include <string.h>

typedef struct {
    uint32_t input, output; // Places.
    uint32_t elements;      // Of the output.
    uint32_t outer_rank, inner_rank;
    // Loops over what is kept, then over what is reduced; steps in the input.
    uint32_t count[TFLM_MAX_RANK], step[TFLM_MAX_RANK];
    uint32_t inner_elements;
    int32_t input_zero_point, output_zero_point;
    tflm_scale_t scale;
} reduce_t;

static tflm_status_t prepare(tflm_node_t *node, bool mean, bool max) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t input, axes, output;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_input(node, 1, &axes));
    TRY(tflm_get_output(node, 0, &output));
    if (input.type != TFLM_INT8 || output.type != TFLM_INT8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s to %s", tflm_type_name(input.type),
                              tflm_type_name(output.type));
    }
    TRY(tflm_expect_quantized(node, &input));
    TRY(tflm_expect_quantized(node, &output));
    int32_t axis[TFLM_MAX_RANK];
    TRY(tflm_constants(node, &axes, axis, TFLM_MAX_RANK));
    bool reduced[TFLM_MAX_RANK] = {false};
    for (uint32_t i = 0; i < axes.elements; i++) {
        int32_t dim = axis[i] < 0 ? axis[i] + (int32_t)input.rank : axis[i];
        if (dim < 0 || dim >= (int32_t)input.rank) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL, "axis %d", axis[i]);
        }
        reduced[dim] = true;
    }
    reduce_t op;
    memset(&op, 0, sizeof op);
    uint32_t step[TFLM_MAX_RANK], size = 1;
    for (uint32_t i = input.rank; i-- > 0;) {
        step[i] = size;
        size *= (uint32_t)input.dims[i];
    }
    op.elements = op.inner_elements = 1;
    uint32_t used = 0;
    for (int inner = 0; inner < 2; inner++) {
        for (uint32_t i = 0; i < input.rank; i++) {
            if (reduced[i] != inner) {
                continue;
            }
            op.count[used] = (uint32_t)input.dims[i];
            op.step[used++] = step[i];
            *(inner ? &op.inner_elements : &op.elements) *= (uint32_t)input.dims[i];
            *(inner ? &op.inner_rank : &op.outer_rank) += 1;
        }
    }
    if (op.elements != output.elements) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the output has %u elements, not %u",
                              output.elements, op.elements);
    }
    if (op.inner_elements > 1 << 23) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%u elements become one",
                              op.inner_elements);
    }
    op.scale = tflm_quantize_scale((double)input.scale / (double)output.scale);
    if (mean) {
        // The division is folded into the multiplier, with as much precision as 32 bits leave.
        int shift = 0;
        while (op.inner_elements >> (shift + 1)) {
            shift++;
        }
        if (shift > 31 + op.scale.shift) {
            shift = 31 + op.scale.shift;
        }
        int64_t multiplier = (int64_t)op.scale.multiplier << shift;
        op.scale.multiplier = (int32_t)(multiplier / op.inner_elements);
        op.scale.shift -= shift;
    }
    if (max && (input.scale != output.scale || input.zero_point != output.zero_point)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "input and output differ in scale");
    }
    op.input = tflm_node_input(node, 0);
    op.output = tflm_node_output(node, 0);
    op.input_zero_point = input.zero_point;
    op.output_zero_point = output.zero_point;
    node->rows = op.elements;
    node->cost = 1 + op.inner_elements * 2;
    reduce_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        *self = op;
    }
    return TFLM_OK;
}

TFLM_PREPARE(mean) {
    return prepare(node, true, false);
}

TFLM_PREPARE(sum) {
    return prepare(node, false, false);
}

TFLM_PREPARE(reduce_max) {
    return prepare(node, false, true);
}

// The offset in the input of index `i` of `rank` loops.
static uint32_t offset_of(const uint32_t *count, const uint32_t *step, uint32_t rank, uint32_t i) {
    uint32_t offset = 0;
    while (rank-- > 0) {
        offset += i % count[rank] * step[rank];
        i /= count[rank];
    }
    return offset;
}

static void eval(const tflm_run_t *run, const reduce_t *self, uint32_t from, uint32_t to,
                 bool max) {
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    const uint32_t *count = self->count + self->outer_rank, *step = self->step + self->outer_rank;
    for (uint32_t i = from; i < to; i++) {
        const int8_t *start = input + offset_of(self->count, self->step, self->outer_rank, i);
        int32_t sum = 0, largest = -128;
        for (uint32_t j = 0; j < self->inner_elements; j++) {
            int32_t value = start[offset_of(count, step, self->inner_rank, j)];
            sum += value;
            largest = value > largest ? value : largest;
        }
        if (!max) {
            sum -= self->input_zero_point * (int32_t)self->inner_elements;
            sum = tflm_scale_apply(sum, self->scale.multiplier, self->scale.shift);
            sum = (int32_t)((uint32_t)sum + (uint32_t)self->output_zero_point);
            largest = tflm_clamp(sum, -128, 127);
        }
        output[i] = (int8_t)largest;
    }
}

TFLM_EVAL(mean_or_sum) {
    eval(run, data, from, to, false);
}

TFLM_EVAL(reduce_max) {
    eval(run, data, from, to, true);
}
