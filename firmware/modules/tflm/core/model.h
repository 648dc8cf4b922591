// SPDX-License-Identifier: Apache-2.0
// Tensors and operators of a model, through checked reads.
#ifndef TFLM_MODEL_H
#define TFLM_MODEL_H

#include "node.h"

// Begins reading a model: gives its root table; 0: it is none. `load` is cleared.
uint32_t tflm_open_model(tflm_load_t *load, tflm_t *self, const void *model, size_t model_bytes);

// Reads one of the subgraphs, an empty one where it is not there; false: malformed.
bool tflm_read_graph(tflm_load_t *load, uint32_t i, tflm_graph_t *graph);

// Reads everything of a model above single tensors and operators.
tflm_status_t tflm_read_model(tflm_load_t *load, tflm_t *self, const void *model,
                              size_t model_bytes);

// The number of an input or output of the model.
uint32_t tflm_io_tensor(tflm_load_t *load, tflm_which_t which, uint32_t index);

// Describes tensor `index` of a subgraph. Fails on anything malformed.
tflm_status_t tflm_read_tensor(tflm_load_t *load, const tflm_graph_t *graph, uint32_t index,
                               tflm_tensor_t *tensor);

// Reads operator `i` of a subgraph into `node`.
tflm_status_t tflm_read_node(tflm_load_t *load, const tflm_graph_t *graph, uint32_t i,
                             tflm_node_t *node);

#endif
