// SPDX-License-Identifier: Apache-2.0
// Every operator has a file here, with a prepare and an eval that kernels.c lists.
#ifndef TFLM_OPS_H
#define TFLM_OPS_H

#include "../load.h"
#include "../quantize.h"

#define TFLM_PREPARE(name) tflm_status_t tflm_##name##_prepare(tflm_node_t *node)
#define TFLM_EVAL(name)                                                                            \
    void tflm_##name##_eval(const tflm_run_t *run, const void *data, uint32_t from, uint32_t to)

TFLM_PREPARE(average_pool);
TFLM_EVAL(average_pool);
TFLM_PREPARE(call_once);
TFLM_PREPARE(concatenation);
TFLM_PREPARE(conv);
TFLM_EVAL(conv);
TFLM_PREPARE(depthwise_conv);
TFLM_EVAL(depthwise_conv);
TFLM_PREPARE(fully_connected);
TFLM_EVAL(fully_connected);
TFLM_PREPARE(logistic);
TFLM_EVAL(logistic);
TFLM_PREPARE(quantize);
TFLM_EVAL(quantize);
TFLM_PREPARE(reshape);
TFLM_PREPARE(softmax);
TFLM_EVAL(softmax);
TFLM_PREPARE(split_v);
TFLM_PREPARE(strided_slice);
TFLM_PREPARE(var_handle);
TFLM_PREPARE(read_variable);
TFLM_PREPARE(assign_variable);
// The eval of operators that only move elements, whole tensors or boxes.
TFLM_EVAL(copy);
TFLM_EVAL(move);

// Emits a record that copies tensor `from` to tensor `to`, of the same size.
tflm_status_t tflm_emit_copy(tflm_node_t *node, uint32_t to, uint32_t from);

#endif
