// SPDX-License-Identifier: Apache-2.0
// RELU, RELU6, LEAKY_RELU, LOGISTIC, TANH, HARD_SWISH of int8. prepare puts their results for all
// 256 inputs into a table.
#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    int8_t table[256];      // Indexed by the input plus 128.
} table_t;

// The tensors are input and output.
static table_t *table_new(tflm_node_t *node, const tflm_tensor_t *tensors) {
    node->rows = tensors->elements;
    node->cost = 6;
    tflm_overwrite(node, tensors);
    return tflm_node_data(node, 2, sizeof(table_t));
}

TFLM_EVAL(table) {
    const table_t *self = data;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        output[i] = self->table[input[i] + 128];
    }
}

TFLM_PREPARE(relu) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "qQ", t));
    tflm_requantize_t to;
    tflm_requantize_init(t[0].scale, 1, &t[1], &to);
    to.low = to.zero_point;
    table_t *self = table_new(node, t);
    for (int32_t x = -128; self && x < 128; x++) {
        self->table[x + 128] = (int8_t)tflm_requantize(x - t[0].zero_point, &to);
    }
    return TFLM_OK;
}

TFLM_PREPARE(relu6) {
    // TensorFlow Lite Micro only cuts the integers, whatever the output's scale.
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "qQ", t));
    int32_t low, six;
    TRY(tflm_activation_range(node, TFLM_ACT_RELU6, &t[0], &low, &six));
    table_t *self = table_new(node, t);
    for (int32_t x = -128; self && x < 128; x++) {
        self->table[x + 128] = (int8_t)tflm_clamp(x, low, six);
    }
    return TFLM_OK;
}

TFLM_PREPARE(leaky_relu) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "qQ", t));
    float alpha = fb_field_f32(&node->load->fb, node->options, 0, 0);
    if (!(alpha >= 0 && alpha < 1e30f)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "alpha");
    }
    tflm_requantize_t to;
    tflm_requantize_init(1, 1, &t[1], &to);
    to.scale = tflm_quantize_scale(t[0].scale * alpha / t[1].scale);
    table_t *self = table_new(node, t);
    for (int32_t x = -128; self && x < 128; x++) {
        if (x == t[0].zero_point) {
            to.scale = tflm_quantize_scale(t[0].scale / t[1].scale);
        }
        self->table[x + 128] = (int8_t)tflm_requantize(x - t[0].zero_point, &to);
    }
    return TFLM_OK;
}

// tanh(x) for x with 4 integer bits; the result has none.
static int32_t tanh_of(int32_t x) {
    if (x == 0) {
        return 0;
    }
    // exp(-2 |x|): doubling moves the binary point by one bit.
    int32_t y = tflm_reciprocal_tanh(tflm_exp_negative(x > 0 ? -x : x, 5));
    return x > 0 ? y : -y;
}

// Fills the table from the input with 4 integer bits; the function's result has `bits` fraction
// bits, and `zero` as its zero point.
static tflm_status_t function_table(tflm_node_t *node, int32_t (*function)(int32_t), int bits,
                                    int32_t zero) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "qQ", t));
    if (t[1].zero_point != zero && zero) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "zero point %d is out of range",
                              t[1].zero_point);
    }
    tflm_scale_t scale = tflm_quantize_ratio(t[0].scale, 1 << 27, 1);
    if (scale.shift < 0 || scale.shift > 30) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the input's scale");
    }
    int32_t radius = tflm_input_radius(4, scale.shift);
    table_t *self = table_new(node, t);
    for (int32_t x = -128; self && x < 128; x++) {
        int32_t value = x - t[0].zero_point, y = value < 0 ? -128 : 127;
        if (value > -radius && value < radius) {
            y = tflm_rounding_shift(function(tflm_scaled(value, scale)), 31 - bits) + zero;
        }
        self->table[x + 128] = (int8_t)tflm_clamp(y, -128, 127);
    }
    return TFLM_OK;
}

TFLM_PREPARE(tanh) {
    return function_table(node, tanh_of, 7, 0);
}

TFLM_PREPARE(logistic) {
    return function_table(node, tflm_logistic, 8, -128);
}

// The upper 16 bits of a multiplier, rounded, as DownScaleInt32ToInt16Multiplier gives them.
static int32_t multiplier_16(tflm_scale_t scale) {
    return scale.multiplier >= 0x7fff8000 ? 0x7fff : (scale.multiplier + 0x8000) >> 16;
}

// a * b * 2^-15 of 16-bit numbers, rounded to nearest; saturated.
static int32_t high_mul_16(int32_t a, int32_t b) {
    int32_t product = a * b;
    int32_t rounded = (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
    return rounded > 32767 ? 32767 : rounded;
}

// Shifts by up to 15 bits.
static int32_t saturated_left_16(int32_t x, int shift) {
    return tflm_clamp(x * (1 << shift), -32768, 32767);
}

TFLM_PREPARE(hard_swish) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "qQ", t));
    float fine = (1.0f / 128.0f) * t[0].scale; // The input's scale with 7 more bits.
    tflm_scale_t output = tflm_quantize_scale(fine / t[1].scale);
    tflm_scale_t relu = tflm_quantize_scale(fine / (3.0f / 32768.0f));
    if (output.shift > 0 || output.shift < -15 || relu.shift < -15 || relu.shift > 16) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "scales too far apart");
    }
    table_t *self = table_new(node, t);
    for (int32_t x = -128; self && x < 128; x++) {
        int32_t value = (int16_t)((x - t[0].zero_point) * 128);
        int32_t unshifted = high_mul_16(value, multiplier_16(output));
        // min(max(x + 3, 0), 6) / 6 as 16 bits.
        int32_t y = relu.shift > 0 ? saturated_left_16(value, relu.shift - 1) : value;
        y = high_mul_16(y, multiplier_16(relu));
        y = relu.shift > 0 ? saturated_left_16(y, 1) : tflm_rounding_shift(y, -relu.shift);
        y = (y + (1 << 15)) >> 1;
        y = (int16_t)(y * unshifted / (1 << 15));
        y = (int16_t)(tflm_rounding_shift(y, -output.shift) + t[1].zero_point);
        self->table[x + 128] = (int8_t)tflm_clamp(y, -128, 127);
    }
    return TFLM_OK;
}
