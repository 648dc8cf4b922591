// SPDX-License-Identifier: Apache-2.0
// Operators that only change the shape. The output's shape is the model's. The operator's
// parameters are ignored, as input and output must have the same number of elements.
#include "move.h"

TFLM_PREPARE(reshape) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "a?a", t));
    const tflm_tensor_t *input = &t[0], *output = &t[1];
    if (input->type != output->type || input->elements != output->elements) {
        return tflm_unfit(node);
    }
    tflm_box_t box;
    tflm_box(output, &box);
    return tflm_emit_move(node, tflm_node_output(node, 0), tflm_node_input(node, 0), &box,
                          tflm_type_bytes(output->type));
}
