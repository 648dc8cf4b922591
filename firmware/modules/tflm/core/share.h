// SPDX-License-Identifier: Apache-2.0
// Tensors that lie within others.
#ifndef TFLM_SHARE_H
#define TFLM_SHARE_H

#include "node.h"

// Return the tensor whose memory a tensor lies in, and its offset there. Call tflm_root first.
uint32_t tflm_root(tflm_load_t *load, uint32_t id);
uint32_t tflm_offset_in_root(const tflm_load_t *load, uint32_t id);

// Whether a part of a tensor already lies where a part of another does.
bool tflm_in_place(tflm_load_t *load, uint32_t to, uint32_t to_offset, uint32_t from,
                   uint32_t from_offset);

// While planning: lets one tensor lie within another if that saves moving `bytes` of `from` to
// `to`, and nothing prevents it.
void tflm_share(tflm_node_t *node, uint32_t to, uint32_t to_offset, uint32_t from,
                uint32_t from_offset, uint32_t bytes);

// While planning: the first lets a variable lie where the value assigned to it is; the second lets
// what is read from a variable lie where the variable is.
void tflm_assign_in_place(tflm_node_t *node, uint32_t variable, uint32_t value);
void tflm_read_in_place(tflm_node_t *node, uint32_t value, uint32_t variable);

#endif
