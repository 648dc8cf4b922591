// SPDX-License-Identifier: Apache-2.0
// CONCATENATION and PACK join tensors along an axis; SPLIT, SPLIT_V and UNPACK cut one up. The
// parts of PACK and UNPACK lack that axis, along which each has length 1.
#include <string.h>

#include "move.h"

enum { STACKED = 1, CUT = 2 };

// Moves parts; the whole is input `index`, or output 0.
static tflm_status_t move_parts(tflm_node_t *node, uint32_t index, int32_t axis, int how) {
    bool cut = how & CUT;
    tflm_tensor_t whole, part;
    TRY(cut ? tflm_get_input(node, index, &whole) : tflm_get_output(node, 0, &whole));
    uint32_t whole_id = cut ? tflm_node_input(node, index) : tflm_node_output(node, 0);
    TRY(tflm_axis(node, &whole, &axis));
    int32_t offset = 0;
    uint32_t count = cut ? node->outputs.count : node->inputs.count;
    for (uint32_t i = 0; i < count; i++) {
        TRY(cut ? tflm_get_output(node, i, &part) : tflm_get_input(node, i, &part));
        if (how & STACKED && part.rank < whole.rank && (uint32_t)axis <= part.rank) {
            for (int32_t j = (int32_t)part.rank++; j > axis; j--) {
                part.dims[j] = part.dims[j - 1];
            }
            part.dims[axis] = 1;
        }
        int32_t length = part.dims[axis];
        part.dims[axis] = whole.dims[axis];
        bool fits = part.type == whole.type && part.rank == whole.rank &&
                    !memcmp(part.dims, whole.dims, sizeof part.dims);
        part.dims[axis] = length;
        if (!fits || length > whole.dims[axis] - offset) {
            return tflm_unfit(node);
        }
        tflm_box_t box;
        tflm_box(&part, &box);
        tflm_steps(&whole, cut ? box.from_steps : box.to_steps);
        *(cut ? &box.from_offset : &box.to_offset) =
            offset * (cut ? box.from_steps : box.to_steps)[axis];
        offset += length;
        uint32_t part_id = cut ? tflm_node_output(node, i) : tflm_node_input(node, i);
        TRY(tflm_emit_move(node, cut ? part_id : whole_id, cut ? whole_id : part_id, &box,
                           tflm_type_bytes(part.type)));
    }
    if (offset != whole.dims[axis]) {
        return tflm_unfit(node);
    }
    return TFLM_OK;
}

TFLM_PREPARE(concatenation) {
    TRY(tflm_expect(node, 1, 255, 1));
    fb_t *fb = &node->load->fb;
    if (fb_field_u8(fb, node->options, 1, 0) != TFLM_ACT_NONE) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation");
    }
    return move_parts(node, 0, fb_field_i32(fb, node->options, 0, 0), 0);
}

// Input `axis_index` is the axis, a constant.
static tflm_status_t split(tflm_node_t *node, uint32_t index, uint32_t axis_index) {
    tflm_tensor_t tensor;
    int32_t axis = 0;
    TRY(tflm_get_input(node, axis_index, &tensor));
    TRY(tflm_constants(node, &tensor, &axis, 1));
    return move_parts(node, index, axis, CUT);
}

TFLM_PREPARE(split) {
    TRY(tflm_expect(node, 2, 2, node->outputs.count));
    return split(node, 1, 0);
}

TFLM_PREPARE(split_v) {
    TRY(tflm_expect(node, 3, 3, node->outputs.count));
    return split(node, 0, 2);
}

static tflm_status_t stack(tflm_node_t *node, int how) {
    // The tensors are counted in the options, too.
    uint32_t count = how & CUT ? node->outputs.count : node->inputs.count;
    if ((uint32_t)fb_field_i32(&node->load->fb, node->options, 0, 0) != count) {
        return tflm_unfit(node);
    }
    return move_parts(node, 0, fb_field_i32(&node->load->fb, node->options, 1, 0), STACKED | how);
}

TFLM_PREPARE(pack) {
    TRY(tflm_expect(node, 1, 255, 1));
    return stack(node, 0);
}

TFLM_PREPARE(unpack) {
    TRY(tflm_expect(node, 1, 1, node->outputs.count));
    return stack(node, CUT);
}
