// SPDX-License-Identifier: Apache-2.0
#include "move.h"

TFLM_PREPARE(concatenation) {
    TRY(tflm_expect(node, 1, 255, 1));
    tflm_tensor_t output;
    TRY(tflm_get_output(node, 0, &output));
    int32_t axis = fb_field_i32(&node->load->fb, node->options, 0, 0);
    axis += axis < 0 ? (int32_t)output.rank : 0;
    if (axis < 0 || axis >= (int32_t)output.rank) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "axis %d", axis);
    }
    if (fb_field_u8(&node->load->fb, node->options, 1, 0) != TFLM_ACT_NONE) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation");
    }
    int64_t offset = 0;
    for (uint32_t i = 0; i < node->inputs.count; i++) {
        tflm_tensor_t input;
        TRY(tflm_get_input(node, i, &input));
        bool fits = input.type == output.type && input.rank == output.rank;
        for (uint32_t j = 0; j < output.rank; j++) {
            fits = fits && (input.dims[j] == output.dims[j] || (int32_t)j == axis);
        }
        if (!fits || offset + input.dims[axis] > output.dims[axis]) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL, "input %u does not fit the output", i);
        }
        tflm_box_t box;
        tflm_box(&input, &box);
        tflm_steps(&output, box.to_steps);
        box.to_offset = offset * box.to_steps[axis];
        offset += input.dims[axis];
        TRY(tflm_emit_move(node, tflm_node_output(node, 0), tflm_node_input(node, i), &box,
                           tflm_type_bytes(output.type)));
    }
    if (offset != output.dims[axis]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the inputs do not fill the output");
    }
    return TFLM_OK;
}
