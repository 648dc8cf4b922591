// SPDX-License-Identifier: Apache-2.0
// GATHER. Indices may be computed while running. One that is then out of range gives zeros;
// TensorFlow Lite Micro aborts.
#include <string.h>

#include "ops.h"

typedef struct {
    uint32_t input, indices, output; // Places.
    uint32_t outer;                  // Rows that share the same indices.
    uint32_t count;                  // Indices per row.
    uint32_t size;                   // Slices along the axis.
    uint32_t slice;                  // in bytes
} gather_t;

static uint32_t product(const tflm_tensor_t *tensor, uint32_t from, uint32_t to) {
    uint32_t elements = 1;
    for (uint32_t i = from; i < to; i++) {
        elements *= (uint32_t)tensor->dims[i];
    }
    return elements;
}

// Fails when constant indices are out of range.
static tflm_status_t check_indices(tflm_node_t *node, const tflm_tensor_t *indices, int32_t size) {
    for (uint32_t i = 0; indices->data_at && i < indices->elements; i++) {
        int32_t index = (int32_t)fb_u32(&node->load->fb, indices->data_at + 4 * i);
        if (index < 0 || index >= size) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL, "index %d of %d", index, size);
        }
    }
    return TFLM_OK;
}

TFLM_PREPARE(gather) {
    fb_t *fb = &node->load->fb;
    tflm_tensor_t t[3];
    TRY(tflm_get_tensors(node, "aaa", t));
    const tflm_tensor_t *input = &t[0], *indices = &t[1], *output = &t[2];
    if ((input->type != TFLM_INT8 && input->type != TFLM_FLOAT32) || output->type != input->type ||
        indices->type != TFLM_INT32) {
        return tflm_types_fail(node, input, output);
    }
    int32_t axis = fb_field_i32(fb, node->options, 0, 0);
    int32_t batch_dims = fb_field_i32(fb, node->options, 1, 0);
    TRY(tflm_axis(node, input, &axis));
    batch_dims += batch_dims < 0 ? (int32_t)indices->rank : 0;
    if (batch_dims < 0 || batch_dims > axis || batch_dims > (int32_t)indices->rank) {
        return tflm_unfit(node);
    }
    uint32_t at = (uint32_t)axis, batch = (uint32_t)batch_dims;
    bool fits = true;
    for (uint32_t i = 0; i < batch; i++) {
        fits = fits && input->dims[i] == indices->dims[i];
    }
    uint32_t batches = product(input, 0, batch), outer = product(input, batch, at);
    uint32_t count = product(indices, batch, indices->rank);
    uint32_t inner = product(input, at + 1, input->rank);
    // The first two factors count one tensor's elements, and so does the square of the third.
    uint64_t rows = (uint64_t)batches * outer;
    if (!fits || rows * count > output->elements || rows * count * inner != output->elements) {
        return tflm_unfit(node);
    }
    TRY(check_indices(node, indices, input->dims[at]));
    uint32_t bytes = inner * tflm_type_bytes(input->type);
    node->rows = (uint32_t)rows;
    node->cost = 32 + count * (32 + 2 * bytes);
    gather_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        self->outer = outer;
        self->count = count;
        self->size = (uint32_t)input->dims[at];
        self->slice = bytes;
    }
    return TFLM_OK;
}

TFLM_EVAL(gather) {
    const gather_t *self = data;
    size_t slice = self->slice;
    const uint8_t *indices = tflm_at(run, self->indices);
    const uint8_t *input = tflm_at(run, self->input) + from * (self->size * slice);
    uint8_t *output = tflm_at(run, self->output) + from * (self->count * slice);
    for (uint32_t row = from; row < to; row++, input += self->size * slice) {
        uint32_t first = row / self->outer * self->count;
        for (uint32_t i = 0; i < self->count; i++, output += slice) {
            uint32_t index = (uint32_t)tflm_get(indices, TFLM_INT32, first + i);
            if (index < self->size) {
                memcpy(output, input + index * slice, slice);
            } else {
                memset(output, 0, slice);
            }
        }
    }
}
