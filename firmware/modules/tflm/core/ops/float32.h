// SPDX-License-Identifier: Apache-2.0
// Shared by operators on float32. Sums are computed in the order of TensorFlow Lite Micro's
// reference kernels. -DTFLM_WITHOUT_FLOAT32 leaves all these operators out.
#ifndef TFLM_FLOAT32_H
#define TFLM_FLOAT32_H

#include <string.h>

#include "ops.h"

typedef struct {
    float low, high;
} tflm_float_range_t;

// Loads a number at any alignment: constants lie where the model has them.
static inline float tflm_load_f32(const uint8_t *at) {
    float x;
    memcpy(&x, at, sizeof x);
    return x;
}

static inline float tflm_clamp_f32(float x, tflm_float_range_t range) {
    x = x < range.low ? range.low : x;
    return x > range.high ? range.high : x;
}

// Fails unless all of `count` tensors are float32.
tflm_status_t tflm_expect_float32(tflm_node_t *node, const tflm_tensor_t *tensors, uint32_t count);

// Gives the range that a fused activation leaves. Fails on others than TFLM_ACT_NONE to
// TFLM_ACT_RELU6.
tflm_status_t tflm_float_range(tflm_node_t *node, uint8_t activation, tflm_float_range_t *range);

// Returns sum plus n products of numbers that lie so many bytes apart.
float tflm_dot_f32(const uint8_t *x, ptrdiff_t x_step, const uint8_t *w, ptrdiff_t w_step,
                   uint32_t n, float sum);

// Returns exp(x), within 2e-7 of the true value; 0 and infinity beyond the range of float32.
float tflm_exp_f32(float x);

#endif
