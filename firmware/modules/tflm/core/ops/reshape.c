// SPDX-License-Identifier: Apache-2.0
// Operators that only change the shape. The output's shape is the model's; what the operator's
// parameters say is not looked at, as both have to hold the same number of elements.
#include "move.h"

TFLM_PREPARE(reshape) {
    TRY(tflm_expect(node, 1, 2, 1));
    tflm_tensor_t input, output;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_output(node, 0, &output));
    if (input.type != output.type || input.elements != output.elements) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u elements become %u", input.elements,
                              output.elements);
    }
    tflm_box_t box;
    tflm_box(&output, &box);
    return tflm_emit_move(node, tflm_node_output(node, 0), tflm_node_input(node, 0), &box,
                          tflm_type_bytes(output.type));
}
