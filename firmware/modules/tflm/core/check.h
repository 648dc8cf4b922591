// SPDX-License-Identifier: Apache-2.0
// Checks that the operators' prepare functions make of their nodes and tensors.
#ifndef TFLM_CHECK_H
#define TFLM_CHECK_H

#include "node.h"

// Describes input or output `i`; fails if it is left out.
tflm_status_t tflm_get_input(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor);
tflm_status_t tflm_get_output(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor);

// Fails unless the node has this many inputs, some of which may be -1, and this many outputs.
tflm_status_t tflm_expect(tflm_node_t *node, uint32_t inputs_min, uint32_t inputs_max,
                          uint32_t outputs);

// Describes the first inputs and output 0, and fails unless these are all. `kinds` has a letter for
// each: 'q' must be quantized and have the type that the kernel is for; 'a' may be anything; a
// capital letter must also have the shape of the first tensor. '?' before the output's letter
// stands for one more input, which may be left out and is not described.
tflm_status_t tflm_get_tensors(tflm_node_t *node, const char *kinds, tflm_tensor_t *tensors);

// Fails unless both have the same shape.
tflm_status_t tflm_expect_same_shape(tflm_node_t *node, const tflm_tensor_t *a,
                                     const tflm_tensor_t *b);

// Fails unless the tensor has one positive scale and its zero point fits its type.
tflm_status_t tflm_expect_quantized(tflm_node_t *node, const tflm_tensor_t *tensor);

// Counts a negative axis from the tensor's last dimension; fails if there is no such axis.
tflm_status_t tflm_axis(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *axis);

// Gives the elements of a constant int32 tensor (or int64, if they fit). Fails if the tensor is not
// constant or has more than `max` elements.
tflm_status_t tflm_constants(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *values,
                             uint32_t max);

#endif
