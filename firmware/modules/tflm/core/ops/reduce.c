// SPDX-License-Identifier: Apache-2.0
// MEAN, SUM and REDUCE_MAX of int8 over constant axes; also prepares them for int16.
#include "reduce.h"

#include <string.h>

tflm_status_t tflm_reduction_init(tflm_node_t *node, const tflm_tensor_t *input,
                                  const tflm_tensor_t *output, tflm_reduction_t *reduction) {
    tflm_tensor_t axes;
    TRY(tflm_get_input(node, 1, &axes));
    int32_t axis[TFLM_MAX_RANK];
    TRY(tflm_constants(node, &axes, axis, TFLM_MAX_RANK));
    uint32_t reduced = 0;
    for (uint32_t i = 0; i < axes.elements; i++) {
        TRY(tflm_axis(node, input, &axis[i]));
        reduced |= 1u << axis[i];
    }
    memset(reduction, 0, sizeof *reduction);
    tflm_loops_t *kept = &reduction->kept, *runs = &reduction->runs;
    kept->elements = runs->elements = 1;
    uint32_t step = input->elements;
    for (uint32_t i = 0; i < input->rank; i++) {
        tflm_loops_t *loops = reduced >> i & 1 ? runs : kept;
        uint32_t count = (uint32_t)input->dims[i];
        step /= count;
        loops->elements *= count;
        if (loops->rank && loops->step[loops->rank - 1] == count * step) {
            count *= loops->count[--loops->rank]; // It continues this loop.
        }
        loops->count[loops->rank] = count;
        loops->step[loops->rank++] = step;
    }
    reduction->inner_elements = runs->elements;
    reduction->run = 1;
    if (runs->rank) {
        runs->rank--;
        reduction->run = runs->count[runs->rank];
        reduction->run_step = runs->step[runs->rank];
        runs->elements /= reduction->run;
    }
    if (kept->elements != output->elements) {
        return tflm_unfit(node);
    }
    if (reduction->inner_elements > 1 << 23) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%u elements become one",
                              reduction->inner_elements);
    }
    node->rows = kept->elements;
    node->cost = 32 + (uint64_t)runs->elements * 32 + (uint64_t)reduction->inner_elements * 10;
    return TFLM_OK;
}

static tflm_status_t prepare(tflm_node_t *node, bool mean, bool max) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "qaq", t));
    const tflm_tensor_t *input = &t[0], *output = &t[2];
    tflm_reduce_t op;
    TRY(tflm_reduction_init(node, input, output, &op.reduction));
    uint32_t inner_elements = op.reduction.inner_elements;
    tflm_requantize_init(input->scale, 1, output, &op.to);
    if (mean) {
        // The division is folded into the multiplier, with as much precision as 32 bits leave.
        int shift = 0;
        while (inner_elements >> (shift + 1)) {
            shift++;
        }
        if (shift > 31 + op.to.scale.shift) {
            shift = 31 + op.to.scale.shift;
        }
        int64_t multiplier = (int64_t)op.to.scale.multiplier << shift;
        op.to.scale.multiplier = (int32_t)(multiplier / inner_elements);
        op.to.scale.shift -= shift;
    }
    if (max && (input->scale != output->scale || input->zero_point != output->zero_point)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "input and output differ in scale");
    }
    op.input = tflm_node_input(node, 0);
    op.output = tflm_node_output(node, 0);
    op.input_zero_point = input->zero_point;
    tflm_reduce_t *self = tflm_node_data(node, 2, sizeof *self);
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

uint32_t tflm_offset(const tflm_loops_t *loops, uint32_t i) {
    uint32_t offset = 0;
    for (uint32_t rank = loops->rank; rank-- > 0; i /= loops->count[rank]) {
        offset += i % loops->count[rank] * loops->step[rank];
    }
    return offset;
}

static void eval(const tflm_run_t *run, const tflm_reduce_t *self, uint32_t from, uint32_t to,
                 bool max) {
    const tflm_reduction_t *reduction = &self->reduction;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        const int8_t *start = input + tflm_offset(&reduction->kept, i);
        int32_t sum = 0, largest = -128;
        for (uint32_t j = 0; j < reduction->runs.elements; j++) {
            const int8_t *at = start + tflm_offset(&reduction->runs, j);
            for (uint32_t k = reduction->run; k; k--, at += reduction->run_step) {
                sum += *at;
                largest = *at > largest ? *at : largest;
            }
        }
        if (!max) {
            sum -= self->input_zero_point * (int32_t)reduction->inner_elements;
            largest = tflm_requantize(sum, &self->to);
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
