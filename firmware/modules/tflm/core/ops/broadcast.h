// SPDX-License-Identifier: Apache-2.0
// Operators on two tensors element by element, where one of them may be repeated along dimensions.
#ifndef TFLM_BROADCAST_H
#define TFLM_BROADCAST_H

#include "ops.h"

// Loops over the output, outermost first; the steps are in elements, 0 where an input is repeated.
typedef struct {
    uint32_t rank;
    uint32_t count[TFLM_MAX_RANK];
    uint32_t a_step[TFLM_MAX_RANK], b_step[TFLM_MAX_RANK];
} tflm_broadcast_t;

// Fails unless the shapes of a and b, aligned at their last dimensions, give the output's.
tflm_status_t tflm_broadcast_init(tflm_node_t *node, const tflm_tensor_t *a, const tflm_tensor_t *b,
                                  const tflm_tensor_t *output, tflm_broadcast_t *broadcast);

// A position in the loops.
typedef struct {
    uint32_t index[TFLM_MAX_RANK];
    uint32_t a, b;
} tflm_walk_t;

// The position at element `at` of the output.
tflm_walk_t tflm_walk_from(const tflm_broadcast_t *broadcast, uint32_t at);

TFLM_SHARED void tflm_walk_next(const tflm_broadcast_t *broadcast, tflm_walk_t *walk) {
    for (uint32_t i = broadcast->rank; i-- > 0;) {
        walk->a += broadcast->a_step[i];
        walk->b += broadcast->b_step[i];
        if (++walk->index[i] < broadcast->count[i]) {
            return;
        }
        walk->a -= broadcast->a_step[i] * broadcast->count[i];
        walk->b -= broadcast->b_step[i] * broadcast->count[i];
        walk->index[i] = 0;
    }
}

#endif
