// SPDX-License-Identifier: Apache-2.0
// Shared by operators that keep state in variable tensors of their own: SVDF and LSTM.
#ifndef TFLM_RECURRENT_H
#define TFLM_RECURRENT_H

#include "ops.h"

// Describes a variable tensor that is an input; fails unless it is quantized, and has that type and
// number of elements.
tflm_status_t tflm_get_state(tflm_node_t *node, uint32_t input, tflm_type_t type, uint64_t elements,
                             tflm_tensor_t *state);

// Describes a constant matrix of that type, with one scale.
tflm_status_t tflm_get_matrix(tflm_node_t *node, uint32_t input, tflm_type_t type, int32_t rows,
                              int32_t columns, tflm_tensor_t *matrix);

// Adds n scaled sums, with their biases, to 16-bit numbers; each sum saturates, and so does the
// result. The portable function, in sigmoid_16.c, is the reference for that for Helium.
void tflm_add_scaled(const int32_t *sum, const int32_t *bias, tflm_scale_t scale, uint32_t n,
                     int16_t *to);

// In sigmoid_16.c: 1 / (1 + exp(-x)) with 15 fraction bits, for x with 12 fraction bits, times 3.
int32_t tflm_sigmoid_16(int32_t x);

// tanh(x), as above.
int32_t tflm_tanh_16(int32_t x);

#endif
