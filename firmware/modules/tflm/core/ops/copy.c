// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "ops.h"

typedef struct {
    uint32_t to, from; // Places.
    uint32_t bytes;
} copy_t;

tflm_status_t tflm_emit_copy(tflm_node_t *node, uint32_t to, uint32_t from) {
    uint32_t bytes = node->load->slots[to].bytes;
    node->cost = 1 + bytes / 4;
    copy_t *copy = tflm_node_data(node, 2, sizeof *copy);
    if (copy) {
        copy->to = to;
        copy->from = from;
        copy->bytes = bytes;
    }
    return TFLM_OK;
}

TFLM_EVAL(copy) {
    const copy_t *copy = data;
    (void)from;
    (void)to;
    memmove(tflm_at(run, copy->to), tflm_at(run, copy->from), copy->bytes);
}
