// SPDX-License-Identifier: Apache-2.0
// RELU, RELU6, LEAKY_RELU, LOGISTIC and TANH of int16.
#include <string.h>

#include "int16.h"
#include "recurrent.h"

typedef struct {
    uint32_t input, output; // Places.
    int32_t low, high;
    tflm_scale_t identity, slope; // For positive inputs and for the others.
    int32_t multiplier;           // Factor of a function's argument, which is then shifted right.
    int32_t shift;
} unary_t;

static tflm_status_t prepare(tflm_node_t *node, tflm_tensor_t *input, tflm_tensor_t *output) {
    TRY(tflm_expect(node, 1, 1, 1));
    TRY(tflm_get_input(node, 0, input));
    TRY(tflm_get_output(node, 0, output));
    TRY(tflm_expect_int16(node, input));
    TRY(tflm_expect_int16(node, output));
    node->rows = input->elements;
    node->cost = 32;
    return tflm_expect_same_shape(node, input, output);
}

static tflm_status_t unary_new(tflm_node_t *node, unary_t *made) {
    unary_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        made->input = tflm_node_input(node, 0);
        made->output = tflm_node_output(node, 0);
        *self = *made;
    }
    return TFLM_OK;
}

TFLM_PREPARE(int16_relu) {
    tflm_tensor_t input, output;
    unary_t made = {.low = 0, .high = 32767};
    TRY(prepare(node, &input, &output));
    made.identity = tflm_quantize_ratio(input.scale, 1, output.scale);
    made.slope = made.identity;
    return unary_new(node, &made);
}

TFLM_PREPARE(int16_leaky_relu) {
    tflm_tensor_t input, output;
    unary_t made = {.low = -32768, .high = 32767};
    TRY(prepare(node, &input, &output));
    float alpha = fb_field_f32(&node->load->fb, node->options, 0, 0);
    if (!(alpha >= 0 && alpha < 1e30f)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "alpha");
    }
    made.identity = tflm_quantize_scale(input.scale / output.scale);
    made.slope = tflm_quantize_scale(input.scale * alpha / output.scale);
    return unary_new(node, &made);
}

TFLM_EVAL(int16_relu) {
    const unary_t *self = data;
    const uint8_t *input = tflm_at(run, self->input);
    int16_t *output = (int16_t *)(void *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        int32_t x = tflm_int16(input, i);
        const tflm_scale_t *scale = x >= 0 ? &self->identity : &self->slope;
        x = tflm_scale_apply(x, scale->multiplier, scale->shift);
        output[i] = (int16_t)tflm_clamp(x, self->low, self->high);
    }
}

TFLM_PREPARE(int16_relu6) {
    // TensorFlow Lite Micro only clamps the integers, whatever the output's scale.
    tflm_tensor_t input, output;
    unary_t made = {.low = 0};
    TRY(prepare(node, &input, &output));
    TRY(tflm_activation_range(node, TFLM_ACT_RELU6, &input, &made.low, &made.high));
    return unary_new(node, &made);
}

TFLM_EVAL(int16_relu6) {
    const unary_t *self = data;
    const uint8_t *input = tflm_at(run, self->input);
    int16_t *output = (int16_t *)(void *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        int32_t x = tflm_int16(input, i);
        output[i] = (int16_t)tflm_clamp(x, self->low, self->high);
    }
}

// Prepares the conversion of inputs to the tables' arguments, which have 12 fraction bits, times 3.
// `exact_shift` is the largest power of two besides 2^-12 that is used unchanged.
static tflm_status_t function_prepare(tflm_node_t *node, int exact_shift) {
    tflm_tensor_t input, output;
    unary_t made = {.multiplier = 3};
    TRY(prepare(node, &input, &output));
    if (output.scale != 1.0f / 32768) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the output's scale is not 2^-15");
    }
    float third = input.scale * 4096;
    if (input.scale == 2.0f / 4096 && exact_shift) {
        made.multiplier = 6;
    } else if (input.scale != 1.0f / 4096) {
        while (third <= 5461.1665f && made.shift <= 30) { // Half of 32767 / 3.
            made.shift++;
            third *= 2;
        }
        // From 128 on, a float has no more than 16 fraction bits.
        if (!(third >= 128 && third <= 10922.333f)) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the input's scale");
        }
        made.multiplier = (int32_t)((uint32_t)(third * 65536) * 3 >> 16);
    }
    return unary_new(node, &made);
}

TFLM_PREPARE(int16_logistic) {
    return function_prepare(node, 0);
}

TFLM_PREPARE(int16_tanh) {
    return function_prepare(node, 1);
}

static void function_eval(const tflm_run_t *run, const unary_t *self, uint32_t from, uint32_t to,
                          bool tanh) {
    const uint8_t *input = tflm_at(run, self->input);
    int16_t *output = (int16_t *)(void *)tflm_at(run, self->output);
    uint32_t rounding = self->shift ? 1u << (self->shift - 1) : 0;
    for (uint32_t i = from; i < to; i++) {
        int32_t x = tflm_int16(input, i) * self->multiplier;
        x = (int32_t)((uint32_t)x + rounding) >> self->shift;
        output[i] = (int16_t)(tanh ? tflm_tanh_16(x) : tflm_sigmoid_16(x));
    }
}

TFLM_EVAL(int16_logistic) {
    function_eval(run, data, from, to, false);
}

TFLM_EVAL(int16_tanh) {
    function_eval(run, data, from, to, true);
}
