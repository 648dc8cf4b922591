// SPDX-License-Identifier: Apache-2.0
#include "move.h"

// Cuts `input` along `axis` into the node's outputs, one after another.
static tflm_status_t split(tflm_node_t *node, uint32_t input_index, const tflm_tensor_t *input,
                           int32_t axis) {
    axis += axis < 0 ? (int32_t)input->rank : 0;
    if (axis < 0 || axis >= (int32_t)input->rank) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "axis %d", axis);
    }
    int64_t offset = 0;
    for (uint32_t i = 0; i < node->outputs.count; i++) {
        tflm_tensor_t output;
        TRY(tflm_get_output(node, i, &output));
        bool fits = input->type == output.type && input->rank == output.rank;
        for (uint32_t j = 0; j < output.rank; j++) {
            fits = fits && (input->dims[j] == output.dims[j] || (int32_t)j == axis);
        }
        if (!fits || offset + output.dims[axis] > input->dims[axis]) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL, "output %u does not fit the input", i);
        }
        tflm_box_t box;
        tflm_box(&output, &box);
        tflm_steps(input, box.from_steps);
        box.from_offset = offset * box.from_steps[axis];
        offset += output.dims[axis];
        TRY(tflm_emit_move(node, tflm_node_output(node, i), tflm_node_input(node, input_index),
                           &box, tflm_type_bytes(output.type)));
    }
    if (offset != input->dims[axis]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the outputs do not cover the input");
    }
    return TFLM_OK;
}

TFLM_PREPARE(split_v) {
    TRY(tflm_expect(node, 3, 3, node->outputs.count));
    tflm_tensor_t input, axis_tensor;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_input(node, 2, &axis_tensor));
    int32_t axis = 0;
    TRY(tflm_constants(node, &axis_tensor, &axis, 1));
    return split(node, 0, &input, axis);
}

TFLM_PREPARE(split) {
    TRY(tflm_expect(node, 2, 2, node->outputs.count));
    tflm_tensor_t input, axis_tensor;
    TRY(tflm_get_input(node, 0, &axis_tensor));
    TRY(tflm_get_input(node, 1, &input));
    int32_t axis = 0;
    TRY(tflm_constants(node, &axis_tensor, &axis, 1));
    return split(node, 1, &input, axis);
}

// A box of `slice` within a tensor that has one dimension more, `axis`, at index `i` of it.
static tflm_status_t slice_box(tflm_node_t *node, const tflm_tensor_t *slice,
                               const tflm_tensor_t *whole, int32_t axis, uint32_t i,
                               tflm_box_t *box, int64_t *steps, int64_t *offset) {
    bool fits = slice->type == whole->type && slice->rank + 1 == whole->rank && axis >= 0 &&
                axis < (int32_t)whole->rank && i < (uint32_t)whole->dims[axis];
    tflm_box(slice, box);
    int64_t whole_steps[TFLM_MAX_RANK];
    tflm_steps(whole, whole_steps);
    for (uint32_t j = 0; fits && j < slice->rank; j++) {
        uint32_t k = j < (uint32_t)axis ? j : j + 1;
        fits = slice->dims[j] == whole->dims[k];
        steps[j] = whole_steps[k];
    }
    if (!fits) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    *offset = whole_steps[axis] * i;
    return TFLM_OK;
}

TFLM_PREPARE(pack) {
    TRY(tflm_expect(node, 1, 255, 1));
    tflm_tensor_t output, input;
    TRY(tflm_get_output(node, 0, &output));
    int32_t axis = fb_field_i32(&node->load->fb, node->options, 1, 0);
    axis += axis < 0 ? (int32_t)output.rank : 0;
    if (axis < 0 || axis >= (int32_t)output.rank ||
        node->inputs.count != (uint32_t)output.dims[axis]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the inputs do not fill the output");
    }
    for (uint32_t i = 0; i < node->inputs.count; i++) {
        tflm_box_t box;
        int64_t steps[TFLM_MAX_RANK], offset;
        TRY(tflm_get_input(node, i, &input));
        TRY(slice_box(node, &input, &output, axis, i, &box, steps, &offset));
        for (uint32_t j = 0; j < input.rank; j++) {
            box.to_steps[j] = steps[j];
        }
        box.to_offset = offset;
        TRY(tflm_emit_move(node, tflm_node_output(node, 0), tflm_node_input(node, i), &box,
                           tflm_type_bytes(input.type)));
    }
    return TFLM_OK;
}

TFLM_PREPARE(unpack) {
    TRY(tflm_expect(node, 1, 1, node->outputs.count));
    tflm_tensor_t output, input;
    TRY(tflm_get_input(node, 0, &input));
    int32_t axis = fb_field_i32(&node->load->fb, node->options, 1, 0);
    axis += axis < 0 ? (int32_t)input.rank : 0;
    if (axis < 0 || axis >= (int32_t)input.rank ||
        node->outputs.count != (uint32_t)input.dims[axis]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the outputs do not cover the input");
    }
    for (uint32_t i = 0; i < node->outputs.count; i++) {
        tflm_box_t box;
        int64_t steps[TFLM_MAX_RANK], offset;
        TRY(tflm_get_output(node, i, &output));
        TRY(slice_box(node, &output, &input, axis, i, &box, steps, &offset));
        for (uint32_t j = 0; j < output.rank; j++) {
            box.from_steps[j] = steps[j];
        }
        box.from_offset = offset;
        TRY(tflm_emit_move(node, tflm_node_output(node, i), tflm_node_input(node, 0), &box,
                           tflm_type_bytes(input.type)));
    }
    return TFLM_OK;
}
