// SPDX-License-Identifier: Apache-2.0
// What prepare creates for a node: a record, and memory.
#ifndef TFLM_EMIT_H
#define TFLM_EMIT_H

#include "node.h"

// Reserves zeroed room for an operator's data. Its first `places` words are tensor numbers; eval
// finds the tensors' places in them. The last is output 0, and those before it are the inputs from
// 0 on, unless the caller overwrites them. Returns NULL if the arena is too small; prepare must
// then return TFLM_OK, so that the rest is counted.
void *tflm_node_data(tflm_node_t *node, uint32_t places, uint32_t bytes);

// Lets output 0 overlap input 0 if the input dies in this operator; see plan.c.
void tflm_overlap(tflm_node_t *node, uint32_t lead_bytes, uint32_t lag_bytes);

// Lets output 0 overlap an input of its size that dies in this operator. The operator must read
// each element of that input before it writes it; it may read other inputs again. `tensors` are the
// inputs.
void tflm_overwrite(tflm_node_t *node, const tflm_tensor_t *tensors);

// Reserves memory that lives only while this operator runs; returns a tensor number.
uint32_t tflm_scratch(tflm_node_t *node, uint64_t bytes);

#endif
