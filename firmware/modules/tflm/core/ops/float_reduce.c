// SPDX-License-Identifier: Apache-2.0
// MEAN, SUM and REDUCE_MAX of float32.
#include "float32.h"
#include "reduce.h"

typedef struct {
    uint32_t input, output; // Places.
    tflm_reduction_t reduction;
} reduce_t;

TFLM_PREPARE(float_reduce) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t t[2];
    TRY(tflm_get_input(node, 0, &t[0]));
    TRY(tflm_get_output(node, 0, &t[1]));
    TRY(tflm_expect_float32(node, t, 2));
    tflm_reduction_t reduction;
    TRY(tflm_reduction_init(node, &t[0], &t[1], &reduction));
    reduce_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->input = tflm_node_input(node, 0);
        self->output = tflm_node_output(node, 0);
        self->reduction = reduction;
    }
    return TFLM_OK;
}

#define LOWEST_BITS 0xFF7FFFFFu // Of the lowest float.

typedef enum { SUM, MEAN, MAX } kind_t;

static void eval(const tflm_run_t *run, const reduce_t *self, uint32_t from, uint32_t to,
                 kind_t kind) {
    const tflm_reduction_t *reduction = &self->reduction;
    const uint8_t *input = tflm_at(run, self->input);
    float *output = (float *)(void *)tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        size_t start = tflm_offset(&reduction->kept, i);
        // By its bits, as LLVM 22's Xtensa back end cannot choose between two floats.
        uint32_t bits = kind == MAX ? LOWEST_BITS : 0;
        float result = tflm_load_f32((const uint8_t *)&bits);
        for (uint32_t j = 0; j < reduction->runs.elements; j++) {
            size_t at = start + tflm_offset(&reduction->runs, j);
            for (uint32_t k = reduction->run; k; k--, at += reduction->run_step) {
                float x = tflm_load_f32(input + at * sizeof x);
                if (kind != MAX) {
                    result += x;
                } else if (x > result) {
                    result = x;
                }
            }
        }
        output[i] = kind == MEAN ? result / (float)reduction->inner_elements : result;
    }
}

TFLM_EVAL(float_mean) {
    eval(run, data, from, to, MEAN);
}

TFLM_EVAL(float_sum) {
    eval(run, data, from, to, SUM);
}

TFLM_EVAL(float_reduce_max) {
    eval(run, data, from, to, MAX);
}
