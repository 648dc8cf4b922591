// SPDX-License-Identifier: Apache-2.0
// What operators on int16 activations share; weights are int8 ("16x8"). -DTFLM_WITHOUT_INT16 leaves
// them all out.
#ifndef TFLM_INT16_H
#define TFLM_INT16_H

#include "ops.h"

// Fails unless the tensor is int16, with one scale and zero point 0.
static inline tflm_status_t tflm_expect_int16(tflm_node_t *node, const tflm_tensor_t *tensor) {
    if (tensor->type != TFLM_INT16 || tensor->zero_point) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "int16 with %s, zero point %d",
                              tflm_type_name(tensor->type), tensor->zero_point);
    }
    return tflm_expect_quantized(node, tensor);
}

#endif
