// SPDX-License-Identifier: Apache-2.0
// MINIMUM and MAXIMUM. Tensors are compared as the integers they are.
#include "broadcast.h"

typedef struct {
    uint32_t a, b, output; // Places.
    uint32_t type;
    tflm_broadcast_t broadcast;
} min_max_t;

TFLM_PREPARE(min_max) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "aaa", t));
    const tflm_tensor_t *a = &t[0], *b = &t[1], *output = &t[2];
    if (a->type != b->type || a->type != output->type ||
        (a->type != TFLM_INT8 && a->type != TFLM_INT16 && a->type != TFLM_INT32)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s and %s to %s",
                              tflm_type_name(a->type), tflm_type_name(b->type),
                              tflm_type_name(output->type));
    }
    tflm_broadcast_t broadcast;
    TRY(tflm_broadcast_init(node, a, b, output, &broadcast));
    node->rows = output->elements;
    node->cost = 56;
    min_max_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        self->type = output->type;
        self->broadcast = broadcast;
    }
    return TFLM_OK;
}

static void eval(const tflm_run_t *run, const min_max_t *self, uint32_t from, uint32_t to,
                 bool max) {
    const uint8_t *a = tflm_at(run, self->a), *b = tflm_at(run, self->b);
    uint8_t *output = tflm_at(run, self->output);
    tflm_walk_t walk = tflm_walk_from(&self->broadcast, from);
    for (uint32_t i = from; i < to; i++) {
        int32_t x = tflm_get(a, self->type, walk.a), y = tflm_get(b, self->type, walk.b);
        tflm_set(output, self->type, i, (x > y) == max ? x : y);
        tflm_walk_next(&self->broadcast, &walk);
    }
}

TFLM_EVAL(minimum) {
    eval(run, data, from, to, false);
}

TFLM_EVAL(maximum) {
    eval(run, data, from, to, true);
}
