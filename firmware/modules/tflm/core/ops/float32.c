// SPDX-License-Identifier: Apache-2.0
// Functions that the operators on float32 share.
#include "float32.h"

#include <float.h>

tflm_status_t tflm_expect_float32(tflm_node_t *node, const tflm_tensor_t *tensors, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (tensors[i].type != TFLM_FLOAT32) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "float32 with %s",
                                  tflm_type_name(tensors[i].type));
        }
    }
    return TFLM_OK;
}

tflm_status_t tflm_float_range(tflm_node_t *node, uint8_t activation, tflm_float_range_t *range) {
    static const tflm_float_range_t ranges[] = {{-FLT_MAX, FLT_MAX}, {0, FLT_MAX}, {-1, 1}, {0, 6}};
    if (activation > TFLM_ACT_RELU6) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation %u", activation);
    }
    *range = ranges[activation];
    return TFLM_OK;
}

static inline __attribute__((always_inline)) float load(const uint8_t *at, bool aligned) {
    return aligned ? *(const float *)(const void *)at : tflm_load_f32(at);
}

static inline __attribute__((always_inline)) float dot(const uint8_t *x, ptrdiff_t x_step,
                                                       const uint8_t *w, ptrdiff_t w_step,
                                                       uint32_t n, float sum, bool aligned) {
    for (; n; n--, x += x_step, w += w_step) {
        sum += load(x, aligned) * load(w, aligned);
    }
    return sum;
}

float tflm_dot_f32(const uint8_t *x, ptrdiff_t x_step, const uint8_t *w, ptrdiff_t w_step,
                   uint32_t n, float sum) {
    if (((uintptr_t)x | (uintptr_t)w) & (sizeof(float) - 1)) {
        return dot(x, x_step, w, w_step, n, sum, false);
    }
    return dot(x, x_step, w, w_step, n, sum, true);
}

// 2^exponent for -126 to 127.
static float power_of_two(int32_t exponent) {
    uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float tflm_exp_f32(float x) {
    if (!(x < 89.0f)) {
        return x * FLT_MAX; // Infinity, or not a number.
    }
    if (x < -104.0f) {
        return 0;
    }
    // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, of which the first is short enough
    // for an exact product.
    int32_t n = (int32_t)(x * 1.44269504f + 256.5f) - 256; // Rounded; the sum is positive.
    float r = x - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;
    // The Taylor polynomial; the next term is below 2e-7.
    float y =
        1 + r * (1 + r * (0.5f +
                          r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720))))));
    // In two steps, as the result may be below the normal numbers.
    int32_t half = n / 2;
    return y * power_of_two(half) * power_of_two(n - half);
}
