// SPDX-License-Identifier: Apache-2.0
// Converts quantization parameters to integers, without libm.
#include "quantize.h"

#include <string.h>

#include "message.h"
#include "types.h"

// A positive float as an integer of up to 24 bits times 2^*exponent.
static uint32_t unpack(float real, int *exponent) {
    uint32_t bits;
    memcpy(&bits, &real, sizeof bits);
    int biased = (int)(bits >> 23);
    uint32_t significand = bits & 0x7fffff;
    if (biased) {
        significand |= 0x800000;
        biased--;
    }
    *exponent = biased - 149;
    if (biased == 254) {
        *exponent = 512; // It is infinite: no divisor makes it small enough again.
    }
    return significand;
}

tflm_scale_t tflm_quantize_quotient(float a, float b, uint64_t divisor, int exponent) {
    tflm_scale_t scale = {0, 0};
    int exponent_a, exponent_b;
    uint64_t rest = (uint64_t)unpack(a, &exponent_a) * unpack(b, &exponent_b);
    if (!rest) {
        return scale;
    }
    enum { BITS = 54 };
    int shift = exponent_a + exponent_b - exponent + 1 + BITS;
    for (; !(divisor >> 62); divisor <<= 1) {
        shift++;
    }
    // The 53 bits of a double, and one more for rounding.
    uint64_t significand = 0;
    for (; !(significand >> (BITS - 1)); shift--) {
        uint64_t less = rest - divisor;
        significand <<= 1;
        if (!(less >> 63)) {
            rest = less;
            significand |= 1;
        }
        rest <<= 1;
    }
    // Rounds to 53 bits, then to the top 31 of these; both to nearest, with halves away from zero.
    // Doubles round halves to even instead. That differs only if the bits that the second rounding
    // drops are all set but their first, and then even is upwards.
    uint32_t multiplier = (uint32_t)((significand + 1 + (1u << 22)) >> 23);
    if (multiplier >> 31) {
        multiplier >>= 1;
        shift++;
    }
    if (shift < -31) {
        return scale;
    }
    if (shift > 30) {
        shift = 30;
        multiplier = 0x7fffffff;
    }
    scale.multiplier = (int32_t)multiplier;
    scale.shift = shift;
    return scale;
}

tflm_scale_t tflm_quantize_ratio(float a, float b, float c) {
    int exponent;
    uint64_t divisor = unpack(c, &exponent);
    return tflm_quantize_quotient(a, b, divisor, exponent);
}

tflm_scale_t tflm_quantize_scale(float real) {
    return tflm_quantize_ratio(real, 1, 1);
}

void tflm_requantize_init(float a, float b, const tflm_tensor_t *output, tflm_requantize_t *to) {
    to->scale = tflm_quantize_ratio(a, b, output->scale);
    to->zero_point = output->zero_point;
    tflm_type_range(output->type, &to->low, &to->high);
}

int32_t tflm_round(float x) {
    if (!(x < 2147483648.0f)) {
        return INT32_MAX;
    }
    if (x < -2147483648.0f) {
        return INT32_MIN;
    }
    int32_t whole = (int32_t)x; // Rounded towards zero.
    float rest = x - (float)whole;
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

int32_t tflm_quantize_real(float real, float scale, int32_t zero_point, int32_t low, int32_t high) {
    return tflm_clamp(tflm_round(real / scale), low - zero_point, high - zero_point) + zero_point;
}

// The bounds by fused activation. They are in tables because LLVM 22's Xtensa back end cannot
// choose between two constants.
static const float bottoms[] = {0, 0, -1, 0}, tops[] = {0, 0, 1, 6};

tflm_status_t tflm_activation_range(tflm_node_t *node, uint8_t activation,
                                    const tflm_tensor_t *output, int32_t *low, int32_t *high) {
    tflm_type_range(output->type, low, high);
    if (activation > TFLM_ACT_RELU6) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation %u", activation);
    }
    if (activation != TFLM_ACT_NONE) {
        *low =
            tflm_quantize_real(bottoms[activation], output->scale, output->zero_point, *low, *high);
    }
    if (activation == TFLM_ACT_RELU6 || activation == TFLM_ACT_RELU_N1_TO_1) {
        *high =
            tflm_quantize_real(tops[activation], output->scale, output->zero_point, *low, *high);
    }
    return TFLM_OK;
}

int32_t tflm_input_radius(int integer_bits, int shift) {
    int64_t max = (int64_t)((1 << integer_bits) - 1) << (31 - integer_bits);
    return (int32_t)(max >> shift);
}
