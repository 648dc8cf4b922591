// SPDX-License-Identifier: Apache-2.0
// What prepare makes of a node: a record, and memory.
#ifndef TFLM_EMIT_H
#define TFLM_EMIT_H

#include "node.h"

// Makes room for an operator's data, zeroed; the first `places` words of it are tensor numbers, and
// eval finds their places there: the last is output 0, those before are inputs, from 0 on, unless
// the caller overwrites them. NULL when the arena is too small: then prepare has to return
// TFLM_OK, so that the rest is counted.
void *tflm_node_data(tflm_node_t *node, uint32_t places, uint32_t bytes);

// Lets output 0 lie over input 0 where that dies in this operator; see plan.c.
void tflm_overlap(tflm_node_t *node, uint32_t lead_bytes, uint32_t lag_bytes);

// Lets output 0 lie over an input of its size that dies in this operator, which reads each element
// of it before it writes it, and may read other inputs again. `tensors` are the inputs.
void tflm_overwrite(tflm_node_t *node, const tflm_tensor_t *tensors);

// Memory that lives only while this operator runs; gives a tensor number.
uint32_t tflm_scratch(tflm_node_t *node, uint64_t bytes);

#endif
