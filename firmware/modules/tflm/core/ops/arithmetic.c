// SPDX-License-Identifier: Apache-2.0
// ADD, SUB and MUL of int8 tensors.
#include "broadcast.h"

// Bits that sums are shifted left by, for precision.
enum { SUM_SHIFT = 20 };

typedef struct {
    uint32_t a, b, output; // Places.
    int32_t a_zero_point, b_zero_point;
    int32_t sign;                  // Of b, in sums.
    tflm_scale_t a_scale, b_scale; // In sums.
    tflm_requantize_t to;
    tflm_broadcast_t broadcast;
} arithmetic_t;

static TFLM_COLD tflm_status_t prepare(tflm_node_t *node, int32_t sign) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "qqq", t));
    const tflm_tensor_t *a = &t[0], *b = &t[1], *output = &t[2];
    arithmetic_t op = {.sign = sign};
    TRY(tflm_broadcast_init(node, a, b, output, &op.broadcast));
    float sa = a->scale, sb = b->scale;
    if (sign) {
        float twice = 2 * sa;
        if (sb > sa) {
            twice = 2 * sb;
        }
        op.a_scale = tflm_quantize_ratio(sa, 1, twice);
        op.b_scale = tflm_quantize_ratio(sb, 1, twice);
        sa = twice;
        sb = 1.0f / (1 << SUM_SHIFT);
    }
    tflm_requantize_init(sa, sb, output, &op.to);
    // TensorFlow Lite Micro ends the program here.
    if (sign && (op.to.scale.shift > 0 || !op.to.scale.multiplier || !op.a_scale.multiplier ||
                 !op.b_scale.multiplier)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "scales too far apart");
    }
    TRY(tflm_activation_range(node, fb_field_u8(&node->load->fb, node->options, 0, 0), output,
                              &op.to.low, &op.to.high));
    op.a_zero_point = a->zero_point;
    op.b_zero_point = b->zero_point;
    op.a = tflm_node_input(node, 0);
    op.b = tflm_node_input(node, 1);
    op.output = tflm_node_output(node, 0);
    node->rows = output->elements;
    node->cost = 80;
    arithmetic_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        *self = op;
    }
    return TFLM_OK;
}

TFLM_PREPARE(add) {
    return prepare(node, 1);
}

TFLM_PREPARE(sub) {
    return prepare(node, -1);
}

TFLM_PREPARE(mul) {
    return prepare(node, 0);
}

TFLM_EVAL(arithmetic) {
    const arithmetic_t *self = data;
    const int8_t *a = (const int8_t *)tflm_at(run, self->a);
    const int8_t *b = (const int8_t *)tflm_at(run, self->b);
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    tflm_walk_t walk = tflm_walk_from(&self->broadcast, from);
    for (uint32_t i = from; i < to; i++) {
        int32_t x = a[walk.a] - self->a_zero_point;
        int32_t y = b[walk.b] - self->b_zero_point;
        if (self->sign) {
            x = tflm_scaled(x * (1 << SUM_SHIFT), self->a_scale);
            y = tflm_scaled(y * (1 << SUM_SHIFT), self->b_scale);
            x += self->sign * y;
        } else {
            x *= y;
        }
        output[i] = (int8_t)tflm_requantize(x, &self->to);
        tflm_walk_next(&self->broadcast, &walk);
    }
}
