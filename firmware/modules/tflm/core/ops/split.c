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
