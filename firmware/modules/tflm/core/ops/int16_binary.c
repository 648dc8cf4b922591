// SPDX-License-Identifier: Apache-2.0
// ADD, SUB and MUL of int16.
#include "broadcast.h"
#include "int16.h"

// Bits that sums are shifted left by, for precision.
enum { SUM_SHIFT = 15 };

typedef struct {
    uint32_t a, b, output; // Places.
    int32_t low, high;
    int32_t sign;                           // Of b, in sums; 0: a product.
    tflm_scale_t a_scale, b_scale, o_scale; // In products only the last.
    tflm_broadcast_t broadcast;
} binary_t;

static tflm_status_t prepare(tflm_node_t *node, int32_t sign) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t a, b, output;
    TRY(tflm_get_input(node, 0, &a));
    TRY(tflm_get_input(node, 1, &b));
    TRY(tflm_get_output(node, 0, &output));
    TRY(tflm_expect_int16(node, &a));
    TRY(tflm_expect_int16(node, &b));
    TRY(tflm_expect_int16(node, &output));
    binary_t op = {.sign = sign};
    TRY(tflm_broadcast_init(node, &a, &b, &output, &op.broadcast));
    TRY(tflm_activation_range(node, fb_field_u8(&node->load->fb, node->options, 0, 0), &output,
                              &op.low, &op.high));
    float sa = a.scale, sb = b.scale, so = output.scale;
    op.o_scale = tflm_quantize_ratio(sa, sb, so);
    if (sign) {
        float twice = 2 * sa;
        if (sb > sa) {
            twice = 2 * sb;
        }
        op.a_scale = tflm_quantize_ratio(sa, 1, twice);
        op.b_scale = tflm_quantize_ratio(sb, 1, twice);
        op.o_scale = tflm_quantize_ratio(twice, 1.0f / (1 << SUM_SHIFT), so);
        // TensorFlow Lite Micro ends the program here.
        if (op.o_scale.shift > 0 || !op.o_scale.multiplier || !op.a_scale.multiplier ||
            !op.b_scale.multiplier) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "scales too far apart");
        }
    }
    op.a = tflm_node_input(node, 0);
    op.b = tflm_node_input(node, 1);
    op.output = tflm_node_output(node, 0);
    node->rows = output.elements;
    node->cost = 80;
    binary_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        *self = op;
    }
    return TFLM_OK;
}

TFLM_PREPARE(int16_add) {
    return prepare(node, 1);
}

TFLM_PREPARE(int16_sub) {
    return prepare(node, -1);
}

TFLM_PREPARE(int16_mul) {
    return prepare(node, 0);
}

TFLM_EVAL(int16_binary) {
    const binary_t *self = data;
    const uint8_t *a = tflm_at(run, self->a), *b = tflm_at(run, self->b);
    int16_t *output = (int16_t *)(void *)tflm_at(run, self->output);
    tflm_walk_t walk = tflm_walk_from(&self->broadcast, from);
    for (uint32_t i = from; i < to; i++) {
        int32_t x = tflm_int16(a, walk.a), y = tflm_int16(b, walk.b);
        if (self->sign) {
            x = tflm_scaled(x * (1 << SUM_SHIFT), self->a_scale);
            y = tflm_scaled(y * (1 << SUM_SHIFT), self->b_scale);
            x += self->sign * y;
        } else {
            x *= y;
        }
        output[i] = (int16_t)tflm_clamp(tflm_scaled(x, self->o_scale), self->low, self->high);
        tflm_walk_next(&self->broadcast, &walk);
    }
}
