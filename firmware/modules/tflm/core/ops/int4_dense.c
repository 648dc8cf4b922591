// SPDX-License-Identifier: Apache-2.0
// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of int8 with int4 weights, two in a byte. The
// weights are unpacked into scratch memory, and then the operator runs with int8 weights.
// -DTFLM_WITHOUT_INT4 leaves these operators out.
#include "../kernels.h"
#include "int4.h"
#include "ops.h"

// Weights that are unpacked without interruption.
enum { PART = 1 << 12 };

typedef struct {
    uint32_t packed, unpacked; // Places.
    uint32_t weights;
} int4_t;

TFLM_PREPARE(int4) {
    tflm_tensor_t weights;
    TRY(tflm_get_input(node, 1, &weights));
    if (!weights.data_at) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "weights are not constant");
    }
    uint32_t unpacked = tflm_scratch(node, weights.elements);
    node->rows = (weights.elements + PART - 1) / PART;
    node->cost = PART * 21 / 8;
    int4_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->packed = tflm_node_input(node, 1);
        self->unpacked = unpacked;
        self->weights = weights.elements;
    }
    node->unpacked = unpacked;
    node->rows = 1;
    node->cost = 0;
    node->kernel = tflm_find_kernel(node->code, 0);
    return node->kernel->prepare(node);
}

TFLM_EVAL(int4) {
    const int4_t *self = data;
    uint32_t first = from * PART, end = to * PART;
    end = end < self->weights ? end : self->weights;
    tflm_unpack_int4(tflm_at(run, self->packed) + first / 2,
                     (int8_t *)tflm_at(run, self->unpacked) + first, end - first);
}
