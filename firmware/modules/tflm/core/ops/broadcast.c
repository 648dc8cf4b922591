// SPDX-License-Identifier: Apache-2.0
// Prepares and runs operators on two tensors, with broadcasting.
#include "broadcast.h"

#include <string.h>

// Returns dimension `i` counted from the last; 1 beyond the first.
static int32_t dim_from_end(const tflm_tensor_t *tensor, uint32_t i) {
    return i < tensor->rank ? tensor->dims[tensor->rank - 1 - i] : 1;
}

tflm_status_t tflm_broadcast_init(tflm_node_t *node, const tflm_tensor_t *a, const tflm_tensor_t *b,
                                  const tflm_tensor_t *output, tflm_broadcast_t *broadcast) {
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    uint32_t a_size = 1, b_size = 1;
    uint32_t count[TFLM_MAX_RANK], a_step[TFLM_MAX_RANK], b_step[TFLM_MAX_RANK];
    uint32_t used = 0; // Dimensions found so far, the innermost first.
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
            count[used - 1] *= (uint32_t)size; // It continues the inner loop.
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

// The cost of starting a run, in the unit of an element's cost.
enum { RUN_COST = 256 };

tflm_status_t tflm_binary_new(tflm_node_t *node, const tflm_tensor_t *tensors, uint32_t cost,
                              uint32_t bytes, void **made) {
    tflm_broadcast_t broadcast;
    *made = NULL;
    TRY(tflm_broadcast_init(node, &tensors[0], &tensors[1], &tensors[2], &broadcast));
    node->rows = tensors[2].elements;
    node->cost = cost + (broadcast.rank ? RUN_COST / broadcast.count[broadcast.rank - 1] + 1 : 0);
    tflm_overwrite(node, tensors);
    tflm_binary_t *self = tflm_node_data(node, 3, bytes);
    if (self) {
        self->broadcast = broadcast;
    }
    *made = self;
    return TFLM_OK;
}

// Bytes that are repeated or aligned at a time.
enum { PART = 256 };

// Returns an input of a run: its elements where they are, or copies of them.
static const uint8_t *line_up(const uint8_t *at, uint32_t step, uint32_t bytes, uint32_t n,
                              uint32_t *copies) {
    if (step && !((uintptr_t)at & (bytes - 1))) {
        return at;
    }
    uint8_t *to = (uint8_t *)copies;
    if (bytes == sizeof(int8_t)) {
        return memset(to, *at, n);
    }
    for (uint32_t i = 0; i < n; i++, at += step, to += bytes) {
        memcpy(to, at, bytes);
    }
    return (uint8_t *)copies;
}

void tflm_binary_runs(const tflm_run_t *run, const tflm_binary_t *binary, uint32_t element_bytes,
                      uint32_t from, uint32_t to, tflm_run_of_two_t *each, const void *op) {
    const tflm_broadcast_t *loops = &binary->broadcast;
    uint8_t *output = tflm_at(run, binary->output);
    uint32_t copies[2][PART / sizeof(uint32_t)];
    // A scalar is a run of one.
    uint32_t rank = loops->rank ? loops->rank : 1, last = rank - 1;
    uint32_t count = loops->rank ? loops->count[last] : 1;
    for (uint32_t n; from < to; from += n) {
        // Where the run, or the rest of it, begins in the inputs.
        const uint8_t *a = tflm_at(run, binary->a), *b = tflm_at(run, binary->b);
        uint32_t rest = from / count, done = from % count;
        a += (size_t)done * loops->a_step[last] * element_bytes;
        b += (size_t)done * loops->b_step[last] * element_bytes;
        for (uint32_t i = last; rest && i-- > 0; rest /= loops->count[i]) {
            a += (size_t)(rest % loops->count[i]) * loops->a_step[i] * element_bytes;
            b += (size_t)(rest % loops->count[i]) * loops->b_step[i] * element_bytes;
        }
        n = count - done < to - from ? count - done : to - from;
        uint32_t a_step = loops->a_step[last] * element_bytes;
        uint32_t b_step = loops->b_step[last] * element_bytes;
        if (n * element_bytes > PART &&
            (!a_step || !b_step || ((uintptr_t)a | (uintptr_t)b) % element_bytes)) {
            n = PART / element_bytes;
        }
        each(op, line_up(a, a_step, element_bytes, n, copies[0]),
             line_up(b, b_step, element_bytes, n, copies[1]), output + (size_t)from * element_bytes,
             n);
    }
}
