// SPDX-License-Identifier: Apache-2.0
// Shared by operators on int16 activations; weights are int8 ("16x8"). -DTFLM_WITHOUT_INT16 leaves
// them all out.
#ifndef TFLM_INT16_H
#define TFLM_INT16_H

#include "dense.h"
#include "patches.h"

// Fails unless the tensor is int16, with one scale and zero point 0.
static inline tflm_status_t tflm_expect_int16(tflm_node_t *node, const tflm_tensor_t *tensor) {
    if (tensor->type != TFLM_INT16 || tensor->zero_point) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "int16 with %s, zero point %d",
                              tflm_type_name(tensor->type), tensor->zero_point);
    }
    return tflm_expect_quantized(node, tensor);
}

// The largest shift in TensorFlow Lite's scales of 64-bit sums.
enum { TFLM_SHIFT_64 = 7 };

// As tflm_scale_apply, for a sum of 64 bits and a shift up to TFLM_SHIFT_64: with 16 bits of the
// multiplier, rounded to nearest, halves upwards.
static inline int32_t tflm_scale_apply_64(uint64_t sum, int32_t multiplier, int shift) {
    int32_t reduced = multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
    int right = 15 - shift;
    if (right < 32) { // This needs no 64-bit shifts.
        uint64_t product = sum * (uint64_t)reduced + (1u << (right - 1));
        return (int32_t)((uint32_t)product >> right | (uint32_t)(product >> 32) << (32 - right));
    }
    uint64_t product = sum * (uint64_t)reduced + ((uint64_t)1 << (right - 1));
    return (int32_t)((int64_t)product >> right);
}

// Gives the bytes of each number of a bias, a constant of int64 or of type `narrow`; 0 if it is
// left out.
tflm_status_t tflm_get_wide_bias(tflm_node_t *node, uint32_t index, uint32_t channels,
                                 tflm_type_t narrow, uint32_t *bias_bytes);

// The number of products of int16 and int8 whose sum stays within 32 bits, even with a bias of less
// than TFLM_INT16_BIAS.
enum { TFLM_INT16_PRODUCTS = 448, TFLM_INT16_BIAS = 1 << 28 };

// Computes the sums of n products for each of `channels` channels, whose weights are contiguous.
void tflm_int16_dense(const uint8_t *x, const uint8_t *w, uint32_t n, uint32_t channels,
                      uint64_t *sum);

// The same for at most TFLM_INT16_PRODUCTS products of aligned inputs; the channels' weights are
// `stride` bytes apart.
void tflm_int16_sums(const int16_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                     uint32_t channels, int32_t *sum);

// Computes the sums of `count` neighbouring channels of a depthwise filter with at most
// TFLM_INT16_PRODUCTS taps, from as many input channels.
void tflm_int16_depthwise(const tflm_patch_t *patch, const uint8_t *w, uint32_t count,
                          int32_t *sum);

// As tflm_scale_apply_64, for `count` sums of the channels from `channel` on; adds their biases
// first. All shifts must be below -1. `bias` holds the int64 biases of all channels, each below
// TFLM_INT16_BIAS, at any address; NULL: none.
void tflm_int16_finish(const tflm_stage_t *stage, const uint8_t *bias, uint32_t channel,
                       uint32_t count, int32_t *sum, int16_t *output);

// Returns the sum of n products of int16 and int8.
static inline uint64_t tflm_int16_dot(const uint8_t *x, const uint8_t *w, uint32_t n) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += (uint64_t)(int64_t)(tflm_int16(x, i) * (int8_t)w[i]);
    }
    return sum;
}

static inline uint64_t tflm_load_u64(const uint8_t *bytes) {
    return tflm_load_u32(bytes) | (uint64_t)tflm_load_u32(bytes + 4) << 32;
}

#endif
