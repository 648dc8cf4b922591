// SPDX-License-Identifier: Apache-2.0
// SLICE and STRIDED_SLICE.
#include "move.h"

static int32_t index_of(int32_t index, int32_t dim, int32_t low, int32_t high) {
    return tflm_clamp(index < 0 ? index + dim : index, low, high); // They have opposite signs.
}

// Describes input 0 and the output; gives the `count` parameters that follow, each with a value for
// each dimension.
static tflm_status_t get_slice(tflm_node_t *node, uint32_t count, int32_t (*values)[TFLM_MAX_RANK],
                               tflm_tensor_t *input, tflm_tensor_t *output) {
    tflm_tensor_t parameter;
    TRY(tflm_expect(node, 1 + count, 1 + count, 1));
    TRY(tflm_get_input(node, 0, input));
    TRY(tflm_get_output(node, 0, output));
    for (uint32_t i = 0; i < count; i++) {
        TRY(tflm_get_input(node, 1 + i, &parameter));
        TRY(tflm_constants(node, &parameter, values[i], TFLM_MAX_RANK));
        if (parameter.elements != input->rank || output->type != input->type) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%u parameters for %u dimensions",
                                  parameter.elements, input->rank);
        }
    }
    return TFLM_OK;
}

TFLM_PREPARE(strided_slice) {
    fb_t *fb = &node->load->fb;
    int32_t values[3][TFLM_MAX_RANK];
    tflm_tensor_t input, output;
    TRY(get_slice(node, 3, values, &input, &output));
    uint32_t begin_mask = (uint32_t)fb_field_i32(fb, node->options, 0, 0);
    uint32_t end_mask = (uint32_t)fb_field_i32(fb, node->options, 1, 0);
    uint32_t shrink_mask = (uint32_t)fb_field_i32(fb, node->options, 4, 0);
    if (fb_field_i32(fb, node->options, 2, 0) || fb_field_i32(fb, node->options, 3, 0) ||
        fb_field_u8(fb, node->options, 5, 0)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "ellipsis, new axis or offset");
    }
    tflm_box_t box;
    tflm_box(&input, &box);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < input.rank; i++) {
        int32_t dim = input.dims[i], stride = values[2][i];
        if (!stride || stride == INT32_MIN) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL, "stride %d", stride);
        }
        // The first index, and the one after the last, or before the first when going backwards, as
        // in tensorflow/lite/kernels/internal/strided_slice_logic.h.
        int32_t sign = stride < 0 ? -1 : 1;
        int32_t low = stride < 0 ? -1 : 0, high = dim + low;
        int32_t begin = index_of(values[0][i], dim, low, high);
        int32_t end = index_of(values[1][i], dim, low, high);
        if (begin_mask >> i & 1) {
            begin = stride < 0 ? high : low;
        }
        if (end_mask >> i & 1) {
            end = stride < 0 ? low : high;
        }
        bool shrinks = shrink_mask >> i & 1;
        int32_t distance = (shrinks ? 1 : end - begin) * sign;
        int32_t length = distance < 1 ? 0 : (distance - 1) / (stride * sign) + 1;
        if (!shrinks && (kept >= output.rank || output.dims[kept++] != length)) {
            return tflm_unfit(node);
        }
        if (length < 1 || begin < 0 || begin >= dim) {
            return tflm_unfit(node);
        }
        input.dims[i] = box.dims[i] = length;
        box.from_offset += begin * box.from_steps[i];
        // It may wrap around if there is only one.
        box.from_steps[i] = (int32_t)((uint32_t)box.from_steps[i] * (uint32_t)stride);
    }
    tflm_steps(&input, box.to_steps);
    if (kept != output.rank) {
        return tflm_unfit(node);
    }
    return tflm_emit_move(node, tflm_node_output(node, 0), tflm_node_input(node, 0), &box,
                          tflm_type_bytes(input.type));
}

TFLM_PREPARE(slice) {
    int32_t values[2][TFLM_MAX_RANK];
    tflm_tensor_t input, output;
    TRY(get_slice(node, 2, values, &input, &output));
    const int32_t *begin = values[0], *size = values[1];
    if (output.rank != input.rank) {
        return tflm_unfit(node);
    }
    tflm_box_t box;
    tflm_box(&output, &box);
    tflm_steps(&input, box.from_steps);
    for (uint32_t i = 0; i < input.rank; i++) {
        int32_t length = output.dims[i], most = input.dims[i] - length;
        if (begin[i] < 0 || begin[i] > most ||
            (size[i] == -1 ? begin[i] != most : size[i] != length)) {
            return tflm_unfit(node);
        }
        box.from_offset += begin[i] * box.from_steps[i];
    }
    return tflm_emit_move(node, tflm_node_output(node, 0), tflm_node_input(node, 0), &box,
                          tflm_type_bytes(input.type));
}
