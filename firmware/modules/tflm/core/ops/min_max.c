// SPDX-License-Identifier: Apache-2.0
// MINIMUM and MAXIMUM. They compare the integers, without scales.
#include "broadcast.h"
#include "elements.h"

typedef struct {
    tflm_binary_t binary;
    uint32_t bytes;
} min_max_t;

TFLM_PREPARE(min_max) {
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "aaa", t));
    const tflm_tensor_t *a = &t[0], *b = &t[1], *output = &t[2];
    if (a->type != b->type || a->type != output->type ||
        (a->type != TFLM_INT8 && a->type != TFLM_INT16 && a->type != TFLM_INT32)) {
        return tflm_types_fail(node, a->type == output->type ? b : a, output);
    }
    void *made;
    TRY(tflm_binary_new(node, t, 8, sizeof(min_max_t), &made));
    if (made) {
        ((min_max_t *)made)->bytes = tflm_type_bytes(output->type);
    }
    return TFLM_OK;
}

static void eval(const tflm_run_t *run, const min_max_t *self, uint32_t from, uint32_t to,
                 tflm_run_of_two_t *bytes, tflm_run_of_two_t *halves, tflm_run_of_two_t *words) {
    tflm_run_of_two_t *each = self->bytes == sizeof(int8_t)    ? bytes
                              : self->bytes == sizeof(int16_t) ? halves
                                                               : words;
    tflm_binary_runs(run, &self->binary, self->bytes, from, to, each, NULL);
}

TFLM_EVAL(minimum) {
    eval(run, data, from, to, tflm_smaller_8, tflm_smaller_16, tflm_smaller_32);
}

TFLM_EVAL(maximum) {
    eval(run, data, from, to, tflm_larger_8, tflm_larger_16, tflm_larger_32);
}
