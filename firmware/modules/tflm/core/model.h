// SPDX-License-Identifier: Apache-2.0
// Tensors and operators of a model, through checked reads.
#ifndef TFLM_MODEL_H
#define TFLM_MODEL_H

#include "node.h"

// Begins reading a model. Clears `load`, and returns the root table; 0 if it is not a model.
uint32_t tflm_open_model(tflm_load_t *load, tflm_t *self, const void *model, size_t model_bytes);

// Reads one of the subgraphs, an empty one if it does not exist; false: it is malformed.
bool tflm_read_graph(tflm_load_t *load, uint32_t i, tflm_graph_t *graph);

// Reads all of a model but its tensors and operators.
tflm_status_t tflm_read_model(tflm_load_t *load, tflm_t *self, const void *model,
                              size_t model_bytes);

// Returns the number of an input or output of the model.
uint32_t tflm_io_tensor(tflm_load_t *load, tflm_which_t which, uint32_t index);

// Describes tensor `index` of a subgraph. Fails on anything malformed.
tflm_status_t tflm_read_tensor(tflm_load_t *load, const tflm_graph_t *graph, uint32_t index,
                               tflm_tensor_t *tensor);

// Reads operator `i` of a subgraph into `node`.
tflm_status_t tflm_read_node(tflm_load_t *load, const tflm_graph_t *graph, uint32_t i,
                             tflm_node_t *node);

#endif
