// SPDX-License-Identifier: Apache-2.0
// CAST between bool, int8, int16, int32 and float32.
#include <string.h>

#include "ops.h"

typedef struct {
    uint32_t input, output; // Places.
    uint8_t input_type, output_type;
} cast_t;

static bool known(tflm_type_t type) {
    return type == TFLM_BOOL || type == TFLM_INT8 || type == TFLM_INT16 || type == TFLM_INT32 ||
           type == TFLM_FLOAT32;
}

TFLM_PREPARE(cast) {
    tflm_tensor_t t[2];
    TRY(tflm_get_tensors(node, "aA", t));
    const tflm_tensor_t *input = &t[0], *output = &t[1];
    if (!known(input->type) || !known(output->type)) {
        return tflm_types_fail(node, input, output);
    }
    node->rows = input->elements;
    node->cost = 28;
    cast_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->input_type = (uint8_t)input->type;
        self->output_type = (uint8_t)output->type;
    }
    return TFLM_OK;
}

// Real numbers are truncated and saturate; of integers, the lowest bits are kept.
static void store_real(const cast_t *self, void *output, uint32_t i, float x) {
    if (self->output_type == TFLM_FLOAT32) {
        memcpy((uint8_t *)output + 4 * (size_t)i, &x, sizeof x);
        return;
    }
    int32_t low, high;
    tflm_type_range((tflm_type_t)self->output_type, &low, &high);
    int32_t y = 0; // Not a number.
    if (self->output_type == TFLM_BOOL) {
        y = x != 0;
    } else if (x >= 2147483648.0f) {
        y = high;
    } else if (x < -2147483648.0f) {
        y = low;
    } else if (x == x) {
        y = tflm_clamp((int32_t)x, low, high);
    }
    tflm_set(output, self->output_type, i, y);
}

TFLM_EVAL(cast) {
    const cast_t *self = data;
    const uint8_t *input = tflm_at(run, self->input);
    void *output = tflm_at(run, self->output);
    for (uint32_t i = from; i < to; i++) {
        if (self->input_type == TFLM_FLOAT32) {
            float x;
            memcpy(&x, input + 4 * (size_t)i, sizeof x);
            store_real(self, output, i, x);
            continue;
        }
        int32_t x = tflm_get(input, self->input_type, i);
        if (self->output_type == TFLM_FLOAT32) {
            store_real(self, output, i, (float)x);
        } else {
            tflm_set(output, self->output_type, i, self->output_type == TFLM_BOOL ? x != 0 : x);
        }
    }
}
