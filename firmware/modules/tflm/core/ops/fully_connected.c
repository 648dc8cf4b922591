// SPDX-License-Identifier: Apache-2.0
#include "dense.h"

typedef struct {
    uint32_t input, weights, output_place; // Places.
    uint32_t depth;
    tflm_output_t output;
} fully_connected_t;

TFLM_PREPARE(fully_connected) {
    TRY(tflm_expect(node, 2, 3, 1));
    fb_t *fb = &node->load->fb;
    tflm_tensor_t input, weights, output;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_input(node, 1, &weights));
    TRY(tflm_get_output(node, 0, &output));
    if (input.type != TFLM_INT8 || output.type != TFLM_INT8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s to %s", tflm_type_name(input.type),
                              tflm_type_name(output.type));
    }
    TRY(tflm_expect_quantized(node, &input));
    TRY(tflm_expect_quantized(node, &output));
    uint32_t depth = weights.rank ? (uint32_t)weights.dims[weights.rank - 1] : 1;
    uint32_t units = weights.elements / depth;
    uint32_t batches = input.elements / depth;
    if (weights.rank != 2 || batches * (uint64_t)depth != input.elements ||
        batches * (uint64_t)units != output.elements ||
        (uint32_t)output.dims[output.rank ? output.rank - 1 : 0] != units) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    if (fb_field_u8(fb, node->options, 1, 0)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "shuffled weights");
    }
    uint32_t bias_at;
    TRY(tflm_expect_weights(node, &weights, units, 0));
    TRY(tflm_get_bias(node, 2, units, &bias_at));
    int32_t low, high;
    TRY(tflm_activation_range(node, fb_field_u8(fb, node->options, 0, 0), &output, &low, &high));
    node->rows = output.elements;
    node->macs = (uint64_t)output.elements * depth;
    node->cost = (uint64_t)depth + TFLM_FINISH_COST;
    fully_connected_t *self =
        tflm_node_data(node, 3, sizeof *self + tflm_stage_bytes(units, weights.scales));
    if (!self) {
        return TFLM_OK;
    }
    self->input = tflm_node_input(node, 0);
    self->weights = tflm_node_input(node, 1);
    self->output_place = tflm_node_output(node, 0);
    self->depth = depth;
    self->output.channels = units;
    self->output.scales = weights.scales;
    self->output.low = low;
    self->output.high = high;
    TRY(tflm_stage_init(node, &input, &weights, &output, bias_at, true, &self->output, self + 1));
    tflm_fold_zero_point(fb->data + weights.data_at, depth, units, input.zero_point,
                         (int32_t *)(self + 1));
    return TFLM_OK;
}

TFLM_EVAL(fully_connected) {
    const fully_connected_t *self = data;
    tflm_stage_t stage = tflm_stage(&self->output, self + 1);
    uint32_t depth = self->depth, units = self->output.channels;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    int8_t *output = (int8_t *)tflm_at(run, self->output_place);
    while (from < to) {
        uint32_t batch = from / units, unit = from % units;
        uint32_t end = to - from < units - unit ? unit + to - from : units;
        tflm_dense_all(&stage, input + (size_t)batch * depth, weights, depth, unit, end,
                       output + (size_t)batch * units);
        from += end - unit;
    }
}
