// SPDX-License-Identifier: Apache-2.0
// ADD, SUB, MUL, MINIMUM, MAXIMUM and PRELU of float32.
#include "broadcast.h"
#include "float32.h"

typedef struct {
    uint32_t a, b, output; // Places.
    tflm_float_range_t range;
    tflm_broadcast_t broadcast;
} binary_t;

static tflm_status_t prepare(tflm_node_t *node, uint8_t activation) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t t[3];
    TRY(tflm_get_input(node, 0, &t[0]));
    TRY(tflm_get_input(node, 1, &t[1]));
    TRY(tflm_get_output(node, 0, &t[2]));
    TRY(tflm_expect_float32(node, t, 3));
    tflm_float_range_t range;
    TRY(tflm_float_range(node, activation, &range));
    tflm_broadcast_t broadcast;
    TRY(tflm_broadcast_init(node, &t[0], &t[1], &t[2], &broadcast));
    node->rows = t[2].elements;
    node->cost = 40;
    binary_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        self->a = tflm_node_input(node, 0);
        self->b = tflm_node_input(node, 1);
        self->output = tflm_node_output(node, 0);
        self->range = range;
        self->broadcast = broadcast;
    }
    return TFLM_OK;
}

TFLM_PREPARE(float_arithmetic) {
    return prepare(node, fb_field_u8(&node->load->fb, node->options, 0, 0));
}

TFLM_PREPARE(float_binary) {
    return prepare(node, TFLM_ACT_NONE);
}

// An eval that makes `result` of x and y.
#define EVAL(name, result)                                                                         \
    TFLM_EVAL(name) {                                                                              \
        const binary_t *self = data;                                                               \
        const uint8_t *a = tflm_at(run, self->a), *b = tflm_at(run, self->b);                      \
        float *output = (float *)(void *)tflm_at(run, self->output);                               \
        tflm_walk_t walk = tflm_walk_from(&self->broadcast, from);                                 \
        for (uint32_t i = from; i < to; i++) {                                                     \
            float x = tflm_load_f32(a + (size_t)walk.a * sizeof x);                                \
            float y = tflm_load_f32(b + (size_t)walk.b * sizeof y);                                \
            output[i] = result;                                                                    \
            tflm_walk_next(&self->broadcast, &walk);                                               \
        }                                                                                          \
    }

EVAL(float_add, tflm_clamp_f32(x + y, self->range))
EVAL(float_sub, tflm_clamp_f32(x - y, self->range))
EVAL(float_mul, tflm_clamp_f32((x * y), self->range))
EVAL(float_minimum, x < y ? x : y)
EVAL(float_maximum, x > y ? x : y)
EVAL(float_prelu, x >= 0 ? x : x * y)
