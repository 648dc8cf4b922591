// SPDX-License-Identifier: Apache-2.0
// ADD, SUB, MUL, MINIMUM, MAXIMUM and PRELU of float32.
#include "broadcast.h"
#include "float32.h"

typedef struct {
    tflm_binary_t binary;
    tflm_float_range_t range;
} float_binary_t;

static tflm_status_t prepare(tflm_node_t *node, uint8_t activation) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t t[3];
    TRY(tflm_get_input(node, 0, &t[0]));
    TRY(tflm_get_input(node, 1, &t[1]));
    TRY(tflm_get_output(node, 0, &t[2]));
    TRY(tflm_expect_float32(node, t, 3));
    tflm_float_range_t range;
    TRY(tflm_float_range(node, activation, &range));
    void *made;
    TRY(tflm_binary_new(node, t, 16, sizeof(float_binary_t), &made));
    if (made) {
        ((float_binary_t *)made)->range = range;
    }
    return TFLM_OK;
}

TFLM_PREPARE(float_arithmetic) {
    return prepare(node, fb_field_u8(&node->load->fb, node->options, 0, 0));
}

TFLM_PREPARE(float_binary) {
    return prepare(node, TFLM_ACT_NONE);
}

// Defines an eval whose output is `result` of x and y.
#define EVAL(name, result)                                                                         \
    static void name(const void *op, const void *a, const void *b, void *outputs, uint32_t n) {    \
        const float_binary_t *self = op;                                                           \
        const float *xs = a, *ys = b;                                                              \
        float *output = outputs;                                                                   \
        tflm_float_range_t range = self->range;                                                    \
        (void)range;                                                                               \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            float x = xs[i], y = ys[i];                                                            \
            output[i] = result;                                                                    \
        }                                                                                          \
    }                                                                                              \
    TFLM_EVAL(name) {                                                                              \
        tflm_binary_runs(run, data, sizeof(float), from, to, name, data);                          \
    }

EVAL(float_add, tflm_clamp_f32(x + y, range))
EVAL(float_sub, tflm_clamp_f32(x - y, range))
EVAL(float_mul, tflm_clamp_f32((x * y), range))
EVAL(float_minimum, x < y ? x : y)
EVAL(float_maximum, x > y ? x : y)
EVAL(float_prelu, x >= 0 ? x : x * y)
