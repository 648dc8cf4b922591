// SPDX-License-Identifier: Apache-2.0
// Converts quantization parameters to integers, as
// tensorflow/lite/kernels/internal/quantization_util.cc does, but without libm. Used only while a
// model is prepared.
#ifndef TFLM_QUANTIZE_H
#define TFLM_QUANTIZE_H

#include "fixed.h"
#include "node.h"

// a * b / c as multiplier and shift. The bits are those of double arithmetic, which no target has,
// but computed with integers. a, b and c are not negative; c is finite and not 0.
tflm_scale_t tflm_quantize_ratio(float a, float b, float c);

// The same, where c is divisor * 2^exponent with a divisor of up to 53 bits.
tflm_scale_t tflm_quantize_quotient(float a, float b, uint64_t divisor, int exponent);

// Finds how multiples of a * b become elements of a tensor, over its type's whole range.
void tflm_requantize_init(float a, float b, const tflm_tensor_t *output, tflm_requantize_t *to);

// Returns one number as multiplier and shift.
tflm_scale_t tflm_quantize_scale(float real);

// Rounds x to nearest, halves away from zero; saturates.
int32_t tflm_round(float x);

// Quantizes `real` to an integer from `low` to `high` in single precision, as TensorFlow Lite does.
// All of them have at most 16 bits.
int32_t tflm_quantize_real(float real, float scale, int32_t zero_point, int32_t low, int32_t high);

// Fused activations.
enum { TFLM_ACT_NONE = 0, TFLM_ACT_RELU, TFLM_ACT_RELU_N1_TO_1, TFLM_ACT_RELU6, TFLM_ACT_TANH };

// Gives the range that a fused activation leaves to a quantized output. Fails on other activations.
tflm_status_t tflm_activation_range(tflm_node_t *node, uint8_t activation,
                                    const tflm_tensor_t *output, int32_t *low, int32_t *high);

// The largest magnitude of an input that, shifted left, stays within fixed point of 31 bits with
// `integer_bits` (CalculateInputRadius).
int32_t tflm_input_radius(int integer_bits, int shift);

#endif
