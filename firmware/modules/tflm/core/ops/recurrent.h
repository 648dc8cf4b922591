// SPDX-License-Identifier: Apache-2.0
// What operators share that keep state in variable tensors of their own: SVDF and LSTM.
#ifndef TFLM_RECURRENT_H
#define TFLM_RECURRENT_H

#include "ops.h"

// Describes a variable tensor that is an input; fails unless it is quantized, of that type, and has
// so many elements.
tflm_status_t tflm_get_state(tflm_node_t *node, uint32_t input, tflm_type_t type, uint64_t elements,
                             tflm_tensor_t *state);

// Describes a constant matrix of that type and with one scale.
tflm_status_t tflm_get_matrix(tflm_node_t *node, uint32_t input, tflm_type_t type, int32_t rows,
                              int32_t columns, tflm_tensor_t *matrix);

// Adds n sums with their biases, scaled, to numbers of 16 bits; each saturates, and so do results.
// The portable function, in sigmoid_16.c, is the reference of that for Helium.
void tflm_add_scaled(const int32_t *sum, const int32_t *bias, tflm_scale_t scale, uint32_t n,
                     int16_t *to);

// sigmoid_16.c: 1 / (1 + exp(-x)) with 15 fraction bits, of x with 12 fraction bits times 3.
int32_t tflm_sigmoid_16(int32_t x);

// tanh(x), as above.
int32_t tflm_tanh_16(int32_t x);

#endif
