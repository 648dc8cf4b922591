// SPDX-License-Identifier: Apache-2.0
#include "broadcast.h"

#include <string.h>

// Dimension `i` from the last on; 1 beyond the first.
static int32_t dim_from_end(const tflm_tensor_t *tensor, uint32_t i) {
    return i < tensor->rank ? tensor->dims[tensor->rank - 1 - i] : 1;
}

tflm_status_t tflm_broadcast_init(tflm_node_t *node, const tflm_tensor_t *a, const tflm_tensor_t *b,
                                  const tflm_tensor_t *output, tflm_broadcast_t *broadcast) {
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    uint32_t a_size = 1, b_size = 1;
    uint32_t count[TFLM_MAX_RANK], a_step[TFLM_MAX_RANK], b_step[TFLM_MAX_RANK];
    uint32_t used = 0; // Innermost first, so far.
    bool fits = output->rank == rank;
    for (uint32_t i = 0; fits && i < rank; i++) {
        int32_t da = dim_from_end(a, i), db = dim_from_end(b, i);
        int32_t size = da > db ? da : db;
        fits =
            (da == size || da == 1) && (db == size || db == 1) && dim_from_end(output, i) == size;
        uint32_t sa = da == 1 ? 0 : a_size, sb = db == 1 ? 0 : b_size;
        a_size *= (uint32_t)da;
        b_size *= (uint32_t)db;
        if (size == 1) {
            continue;
        }
        if (used && sa == a_step[used - 1] * count[used - 1] &&
            sb == b_step[used - 1] * count[used - 1]) {
            count[used - 1] *= (uint32_t)size; // Goes on where the inner loop ends.
            continue;
        }
        count[used] = (uint32_t)size;
        a_step[used] = sa;
        b_step[used++] = sb;
    }
    if (!fits) {
        return tflm_unfit(node);
    }
    memset(broadcast, 0, sizeof *broadcast);
    broadcast->rank = used;
    for (uint32_t i = 0; i < used; i++) {
        broadcast->count[i] = count[used - 1 - i];
        broadcast->a_step[i] = a_step[used - 1 - i];
        broadcast->b_step[i] = b_step[used - 1 - i];
    }
    return TFLM_OK;
}

tflm_walk_t tflm_walk_from(const tflm_broadcast_t *broadcast, uint32_t at) {
    tflm_walk_t walk = {{0}, 0, 0};
    for (uint32_t i = broadcast->rank; at && i-- > 0; at /= broadcast->count[i]) {
        walk.index[i] = at % broadcast->count[i];
        walk.a += walk.index[i] * broadcast->a_step[i];
        walk.b += walk.index[i] * broadcast->b_step[i];
    }
    return walk;
}
