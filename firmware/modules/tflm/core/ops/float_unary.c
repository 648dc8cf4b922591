// SPDX-License-Identifier: Apache-2.0
// RELU, RELU6, LEAKY_RELU, LOGISTIC, TANH, HARD_SWISH and SOFTMAX of float32.
#include "float32.h"

typedef struct {
    uint32_t input, output; // Places.
    uint32_t elements;      // Of a row: 1 except in SOFTMAX.
    float factor;           // alpha, or beta.
    tflm_float_range_t range;
} unary_t;

// Per element.
enum { CLAMP_COST = 16, FUNCTION_COST = 56 };

static tflm_status_t prepare(tflm_node_t *node, uint8_t activation, float factor, bool by_row,
                             uint32_t cost) {
    TRY(tflm_expect(node, 1, 1, 1));
    tflm_tensor_t t[2];
    TRY(tflm_get_input(node, 0, &t[0]));
    TRY(tflm_get_output(node, 0, &t[1]));
    TRY(tflm_expect_float32(node, t, 2));
    TRY(tflm_expect_same_shape(node, &t[0], &t[1]));
    uint32_t elements = 1;
    if (by_row && t[0].rank) {
        elements = (uint32_t)t[0].dims[t[0].rank - 1];
    }
    tflm_float_range_t range;
    TRY(tflm_float_range(node, activation, &range));
    node->rows = t[0].elements / elements;
    node->cost = (uint64_t)elements * cost;
    unary_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->input = tflm_node_input(node, 0);
        self->output = tflm_node_output(node, 0);
        self->elements = elements;
        self->factor = factor;
        self->range = range;
    }
    return TFLM_OK;
}

TFLM_PREPARE(float_unary) {
    return prepare(node, TFLM_ACT_NONE, 0, false, FUNCTION_COST);
}

TFLM_PREPARE(float_relu) {
    return prepare(node, TFLM_ACT_RELU, 0, false, CLAMP_COST);
}

TFLM_PREPARE(float_relu6) {
    return prepare(node, TFLM_ACT_RELU6, 0, false, CLAMP_COST);
}

TFLM_PREPARE(float_leaky_relu) {
    return prepare(node, TFLM_ACT_NONE, fb_field_f32(&node->load->fb, node->options, 0, 0), false,
                   CLAMP_COST);
}

TFLM_PREPARE(float_softmax) {
    return prepare(node, TFLM_ACT_NONE, fb_field_f32(&node->load->fb, node->options, 0, 0), true,
                   FUNCTION_COST);
}

// Defines an eval whose output is `result` of x.
#define EVAL(name, result)                                                                         \
    TFLM_EVAL(name) {                                                                              \
        const unary_t *self = data;                                                                \
        const uint8_t *input = tflm_at(run, self->input);                                          \
        float *output = (float *)(void *)tflm_at(run, self->output);                               \
        for (uint32_t i = from; i < to; i++) {                                                     \
            float x = tflm_load_f32(input + (size_t)i * sizeof x);                                 \
            output[i] = result;                                                                    \
        }                                                                                          \
    }

static float logistic(float x) {
    // The argument is negative, so that small results stay exact. Below -9 TensorFlow Lite's result
    // is exp(x), up to 1e-4 more.
    float e = tflm_exp_f32(x < 0 ? x : -x);
    if (x < -9.0f) {
        return e;
    }
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

static float tanh_of(float x) {
    float x2 = x * x;
    if (x2 < 0.01f) { // Here 1 - exp(-2 x) would lose digits.
        return x * (1 + x2 * (-1.0f / 3 + x2 * (2.0f / 15 + x2 * (-17.0f / 315))));
    }
    float e = tflm_exp_f32(-2 * (x < 0 ? -x : x));
    float y = (1 - e) / (1 + e);
    return x < 0 ? -y : y;
}

static float hard_swish(float x) {
    static const tflm_float_range_t six = {0, 6};
    return x * tflm_clamp_f32(x + 3, six) / 6;
}

EVAL(float_clamp, tflm_clamp_f32(x, self->range))
EVAL(float_leaky_relu, x > 0 ? x : x * self->factor)
EVAL(float_logistic, logistic(x))
EVAL(float_tanh, tanh_of(x))
EVAL(float_hard_swish, hard_swish(x))

TFLM_EVAL(float_softmax) {
    const unary_t *self = data;
    uint32_t n = self->elements;
    for (uint32_t row = from; row < to; row++) {
        const uint8_t *input = tflm_at(run, self->input) + (size_t)row * n * sizeof(float);
        float *output = (float *)(void *)tflm_at(run, self->output) + (size_t)row * n;
        float max = tflm_load_f32(input), sum = 0;
        for (uint32_t i = 1; i < n; i++) {
            float x = tflm_load_f32(input + (size_t)i * sizeof x);
            max = x > max ? x : max;
        }
        for (uint32_t i = 0; i < n; i++) {
            float x = tflm_load_f32(input + (size_t)i * sizeof x);
            output[i] = tflm_exp_f32((x - max) * self->factor);
            sum += output[i];
        }
        for (uint32_t i = 0; i < n; i++) {
            output[i] /= sum;
        }
    }
}
