// SPDX-License-Identifier: Apache-2.0
// ADD, SUB and MUL of int8 and int16.
#include "broadcast.h"
#include "elements.h"
#include "int16.h"

typedef struct {
    tflm_binary_t binary;
    tflm_arithmetic_t op;
} arithmetic_t;

// `sign` is that of b in sums; 0 for a product.
static TFLM_COLD tflm_status_t prepare(tflm_node_t *node, int32_t sign) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "qqq", t));
    const tflm_tensor_t *a = &t[0], *b = &t[1], *output = &t[2];
    bool wide = tflm_node_type(node) == TFLM_INT16;
    if (wide && (a->zero_point || b->zero_point || output->zero_point)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "int16 with a zero point");
    }
    float sa = a->scale, sb = b->scale;
    tflm_arithmetic_t op = {.swapped = sign && sb > sa};
    if (sign) {
        int shift = wide ? TFLM_SUM_SHIFT_16 : TFLM_SUM_SHIFT_8;
        float smaller = op.swapped ? sa : sb;
        sa = 2 * (op.swapped ? sb : sa);
        sb = 1.0f / (float)(1 << shift);
        op.first_factor = (op.swapped ? sign : 1) * (1 << (shift - 1));
        op.second_sign = op.swapped ? 1 : sign;
        op.second_scale = tflm_quantize_ratio(smaller, 1, sa);
    }
    tflm_requantize_init(sa, sb, output, &op.to);
    // TensorFlow Lite Micro aborts here.
    if (sign && (op.to.scale.shift > 0 || !op.to.scale.multiplier || !op.second_scale.multiplier)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "scales too far apart");
    }
    TRY(tflm_activation_range(node, fb_field_u8(&node->load->fb, node->options, 0, 0), output,
                              &op.to.low, &op.to.high));
    op.first_offset = -(op.swapped ? b : a)->zero_point;
    op.second_offset = -(op.swapped ? a : b)->zero_point;
    void *made;
    TRY(tflm_binary_new(node, t, 24, sizeof(arithmetic_t), &made));
    if (made) {
        ((arithmetic_t *)made)->op = op;
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

#define EVAL(name, bytes, each)                                                                    \
    TFLM_EVAL(name) {                                                                              \
        const arithmetic_t *self = data;                                                           \
        tflm_binary_runs(run, &self->binary, bytes, from, to, each, &self->op);                    \
    }

EVAL(sum, sizeof(int8_t), tflm_sum_8)
EVAL(product, sizeof(int8_t), tflm_product_8)
EVAL(int16_sum, sizeof(int16_t), tflm_sum_16)
EVAL(int16_product, sizeof(int16_t), tflm_product_16)
