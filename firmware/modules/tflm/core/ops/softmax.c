// SPDX-License-Identifier: Apache-2.0
// SOFTMAX of int8.
#include "ops.h"

enum { DIFF_INTEGER_BITS = 5, SUM_INTEGER_BITS = 12 };

typedef struct {
    uint32_t input, output; // Places.
    uint32_t depth;
    tflm_scale_t scale;
    int32_t diff_min;     // If the input is further below the maximum, the result is 0.
    uint32_t output_bits; // 8 or 16.
} softmax_t;

// The scale that an output of 8 or 16 bits must have, and its tolerance. They are in tables because
// LLVM 22's Xtensa back end cannot choose between two constants.
static const float units[] = {1.0f / 256, 1.0f / 65536};
static const float tolerances[] = {0, 0.001f / 65536};

TFLM_PREPARE(softmax) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "qA", t));
    const tflm_tensor_t *input = &t[0], *output = &t[1];
    if ((output->type != TFLM_INT8 && output->type != TFLM_INT16) || !input->rank) {
        return tflm_types_fail(node, input, output);
    }
    bool wide = output->type == TFLM_INT16;
    float error = output->scale - units[wide], tolerance = tolerances[wide];
    if (output->zero_point != (wide ? -32768 : -128) || !(error <= tolerance) ||
        !(error >= -tolerance)) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the output's scale or zero point");
    }
    float beta = fb_field_f32(&node->load->fb, node->options, 0, 0);
    tflm_scale_t scale = {0, 0};
    if (beta > 0) {
        scale = tflm_quantize_ratio(beta, input->scale, 1.0f / (1 << (31 - DIFF_INTEGER_BITS)));
    }
    // TensorFlow Lite aborts if the real multiplier is at most 1.
    if (scale.shift < 1 || (scale.shift == 1 && scale.multiplier == 1 << 30)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "beta or the input's scale");
    }
    node->rows = input->elements / (uint32_t)input->dims[input->rank - 1];
    node->cost = (uint64_t)input->dims[input->rank - 1] * 320;
    softmax_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->depth = (uint32_t)input->dims[input->rank - 1];
        self->scale = scale;
        self->diff_min = -tflm_input_radius(DIFF_INTEGER_BITS, scale.shift);
        self->output_bits = wide ? 16 : 8;
    }
    return TFLM_OK;
}

static int32_t exp_of(const softmax_t *self, int32_t diff) {
    return tflm_exp_negative(tflm_scaled(diff, self->scale), DIFF_INTEGER_BITS);
}

TFLM_EVAL(softmax) {
    const softmax_t *self = data;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input) + (size_t)from * self->depth;
    uint8_t *output = tflm_at(run, self->output);
    size_t at = (size_t)from * self->depth;
    int32_t low = -(1 << (self->output_bits - 1)), high = -low - 1;
    for (uint32_t row = from; row < to; row++, input += self->depth) {
        int32_t max = -128;
        for (uint32_t i = 0; i < self->depth; i++) {
            max = input[i] > max ? input[i] : max;
        }
        uint32_t sum = 0;
        for (uint32_t i = 0; i < self->depth; i++) {
            int32_t diff = input[i] - max;
            if (diff >= self->diff_min) {
                sum += (uint32_t)tflm_rounding_shift(exp_of(self, diff), SUM_INTEGER_BITS);
            }
        }
        int headroom = 0;
        while (sum && !(sum << headroom >> 31)) {
            headroom++;
        }
        int32_t reciprocal = tflm_reciprocal((int32_t)((sum << headroom) - 0x80000000u));
        int exponent = SUM_INTEGER_BITS - headroom + 31 - (int)self->output_bits;
        exponent = exponent < 31 ? exponent : 31; // Beyond that, every value becomes 0.
        for (uint32_t i = 0; i < self->depth; i++, at++) {
            int32_t diff = input[i] - max;
            int32_t value = low;
            if (diff >= self->diff_min) {
                value =
                    tflm_rounding_shift(tflm_high_mul(reciprocal, exp_of(self, diff)), exponent);
                value = tflm_clamp(value + low, low, high);
            }
            if (self->output_bits == 8) {
                ((int8_t *)output)[at] = (int8_t)value;
            } else {
                ((int16_t *)(void *)output)[at] = (int16_t)value;
            }
        }
    }
}
