// SPDX-License-Identifier: Apache-2.0
// Messages that say what is wrong with a model.
#ifndef TFLM_MESSAGE_H
#define TFLM_MESSAGE_H

#include "node.h"

// Ends loading with a message. The format knows %s, %d (int32_t), %u (uint32_t), and %+, whose
// argument is the rest of the format.
tflm_status_t tflm_fail(tflm_load_t *load, tflm_status_t status, const char *format, ...);

// As above, with the operator's name in front.
tflm_status_t tflm_node_fail(tflm_node_t *node, tflm_status_t status, const char *format, ...);

// As above, for shapes that fit neither each other nor the operator.
tflm_status_t tflm_unfit(tflm_node_t *node);

// As above, for an input and an output of types that do not go together.
tflm_status_t tflm_types_fail(tflm_node_t *node, const tflm_tensor_t *input,
                              const tflm_tensor_t *output);

#endif
