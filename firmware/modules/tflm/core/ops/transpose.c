// SPDX-License-Identifier: Apache-2.0
// TRANSPOSE.
#include "move.h"

TFLM_PREPARE(transpose) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "aaa", t));
    const tflm_tensor_t *input = &t[0], *parameter = &t[1], *output = &t[2];
    int32_t order[TFLM_MAX_RANK];
    TRY(tflm_constants(node, parameter, order, TFLM_MAX_RANK));
    bool fits = parameter->elements == input->rank && output->rank == input->rank &&
                output->type == input->type;
    tflm_box_t box;
    tflm_box(output, &box);
    int32_t steps[TFLM_MAX_RANK];
    tflm_steps(input, steps);
    uint32_t seen = 0;
    for (uint32_t i = 0; fits && i < input->rank; i++) {
        int32_t axis = order[i];
        TRY(tflm_axis(node, input, &axis));
        fits = !(seen >> axis & 1) && input->dims[axis] == output->dims[i];
        seen |= 1u << axis;
        box.from_steps[i] = steps[axis];
    }
    if (!fits) {
        return tflm_unfit(node);
    }
    return tflm_emit_move(node, tflm_node_output(node, 0), tflm_node_input(node, 0), &box,
                          tflm_type_bytes(input->type));
}
