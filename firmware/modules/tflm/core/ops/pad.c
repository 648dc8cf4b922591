// SPDX-License-Identifier: Apache-2.0
// PAD and PADV2.
#include "move.h"

static tflm_status_t prepare(tflm_node_t *node, int32_t value, const tflm_tensor_t *input,
                             const tflm_tensor_t *output) {
    tflm_tensor_t parameter;
    TRY(tflm_get_input(node, 1, &parameter));
    int32_t amounts[2 * TFLM_MAX_RANK];
    TRY(tflm_constants(node, &parameter, amounts, 2 * TFLM_MAX_RANK));
    bool fits = input->type == output->type && input->rank == output->rank &&
                parameter.elements == 2 * input->rank;
    tflm_box_t box;
    tflm_box(input, &box);
    tflm_steps(output, box.to_steps);
    for (uint32_t i = 0; fits && i < input->rank; i++) {
        int32_t before = amounts[2 * i], after = amounts[2 * i + 1];
        fits = before >= 0 && before <= output->dims[i] && after >= 0 &&
               after == output->dims[i] - before - input->dims[i];
        box.to_offset += fits ? before * box.to_steps[i] : 0;
    }
    if (!fits) {
        return tflm_unfit(node);
    }
    return tflm_emit_filled_move(node, tflm_node_output(node, 0), tflm_node_input(node, 0), &box,
                                 tflm_type_bytes(input->type), output->elements, value);
}

static tflm_status_t get_tensors(tflm_node_t *node, tflm_tensor_t *input, tflm_tensor_t *output) {
    TRY(tflm_get_input(node, 0, input));
    TRY(tflm_get_output(node, 0, output));
    if (input->type != TFLM_INT8 && input->type != TFLM_INT16 && input->type != TFLM_INT32 &&
        input->type != TFLM_FLOAT32) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s", tflm_type_name(input->type));
    }
    return TFLM_OK;
}

TFLM_PREPARE(pad) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t input, output;
    TRY(get_tensors(node, &input, &output));
    return prepare(node, output.zero_point, &input, &output);
}

TFLM_PREPARE(pad_v2) {
    TRY(tflm_expect(node, 3, 3, 1));
    tflm_tensor_t input, output, value;
    TRY(get_tensors(node, &input, &output));
    TRY(tflm_get_input(node, 2, &value));
    if (!value.data_at || value.type != input.type || value.elements != 1) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the value is no constant of its type");
    }
    const uint8_t *bytes = node->load->fb.data + value.data_at;
    return prepare(node, tflm_get(bytes, value.type, 0), &input, &output);
}
