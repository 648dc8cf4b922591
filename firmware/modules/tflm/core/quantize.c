// SPDX-License-Identifier: Apache-2.0
#include "quantize.h"

#include <string.h>

void tflm_type_range(tflm_type_t type, int32_t *low, int32_t *high) {
    switch (type) {
    case TFLM_INT8:
        *low = -128;
        *high = 127;
        break;
    case TFLM_UINT8:
        *low = 0;
        *high = 255;
        break;
    case TFLM_INT16:
        *low = -32768;
        *high = 32767;
        break;
    default:
        *low = INT32_MIN;
        *high = INT32_MAX;
        break;
    }
}

tflm_scale_t tflm_quantize_scale(double real) {
    tflm_scale_t scale = {0, 0};
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff);
    if (exponent == 0) { // Zero, or far below 2^-31.
        return scale;
    }
    // The top 31 bits of the 53 in the significand, rounded to nearest, halves away from zero.
    uint64_t significand = (bits & 0xfffffffffffffu) | 0x10000000000000u;
    significand = (significand + (1u << 21)) >> 22;
    int shift = exponent - 1022;
    if (significand >> 31) {
        significand >>= 1;
        shift++;
    }
    if (shift < -31) {
        return scale;
    }
    if (shift > 30) {
        shift = 30;
        significand = 0x7fffffff;
    }
    scale.multiplier = (int32_t)significand;
    scale.shift = shift;
    return scale;
}

int32_t tflm_round(double x) {
    if (!(x < 2147483647.0)) {
        return INT32_MAX;
    }
    if (x < -2147483648.0) {
        return INT32_MIN;
    }
    int32_t whole = (int32_t)x; // Towards zero.
    double rest = x - whole;
    return whole + (rest >= 0.5) - (rest <= -0.5);
}

// Where `real` lies in the tensor's integers, as TensorFlow Lite computes it: in single precision.
static int32_t quantize(const tflm_tensor_t *tensor, float real) {
    int64_t value = (int64_t)tensor->zero_point + tflm_round(real / tensor->scale);
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

// By fused activation. Tables, because LLVM 22's Xtensa back end cannot choose between two
// constants.
static const float bottoms[] = {0, 0, -1, 0}, tops[] = {0, 0, 1, 6};

tflm_status_t tflm_activation_range(tflm_node_t *node, uint8_t activation,
                                    const tflm_tensor_t *output, int32_t *low, int32_t *high) {
    tflm_type_range(output->type, low, high);
    if (activation > TFLM_ACT_RELU6) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation %u", activation);
    }
    if (activation != TFLM_ACT_NONE) {
        *low = tflm_clamp(quantize(output, bottoms[activation]), *low, *high);
    }
    if (activation == TFLM_ACT_RELU6 || activation == TFLM_ACT_RELU_N1_TO_1) {
        *high = tflm_clamp(quantize(output, tops[activation]), *low, *high);
    }
    return TFLM_OK;
}

int32_t tflm_input_radius(int integer_bits, int shift) {
    int64_t max = (int64_t)((1 << integer_bits) - 1) << (31 - integer_bits);
    return (int32_t)(max >> shift);
}
