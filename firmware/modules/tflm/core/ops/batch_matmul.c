// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL of int8: matrices in the last two dimensions, the others broadcast. Either may be
// given transposed (adj_x, adj_y); neither is copied for that.
#include "broadcast.h"

// How a matrix lies in its tensor, in elements.
typedef struct {
    uint32_t elements;
    uint32_t line; // To the next row of the first matrix, the next column of the second.
    uint32_t step; // To the next factor.
} layout_t;

typedef struct {
    uint32_t a, b, output; // Places.
    uint32_t rows, columns, depth;
    layout_t a_layout, b_layout;
    int32_t a_zero_point, b_zero_point, output_zero_point;
    tflm_scale_t scale;
    tflm_broadcast_t matrices;
} matmul_t;

// Cuts the last two dimensions off a tensor.
static void cut(tflm_tensor_t *tensor, uint32_t *rows, uint32_t *columns) {
    tensor->rank -= 2;
    *rows = (uint32_t)tensor->dims[tensor->rank];
    *columns = (uint32_t)tensor->dims[tensor->rank + 1];
}

// `lines` and `factors` of a matrix whose factors are neighbours, unless `across`.
static layout_t layout(uint32_t lines, uint32_t factors, bool across) {
    layout_t layout = {lines * factors, across ? 1 : factors, across ? lines : 1};
    return layout;
}

TFLM_PREPARE(batch_matmul) {
    TRY(tflm_expect(node, 2, 2, 1));
    tflm_tensor_t a, b, output;
    TRY(tflm_get_input(node, 0, &a));
    TRY(tflm_get_input(node, 1, &b));
    TRY(tflm_get_output(node, 0, &output));
    if (a.type != TFLM_INT8 || b.type != TFLM_INT8 || output.type != TFLM_INT8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s and %s to %s",
                              tflm_type_name(a.type), tflm_type_name(b.type),
                              tflm_type_name(output.type));
    }
    TRY(tflm_expect_quantized(node, &a));
    TRY(tflm_expect_quantized(node, &b));
    TRY(tflm_expect_quantized(node, &output));
    if (a.rank < 2 || b.rank < 2 || output.rank < 2) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "an input is no matrix");
    }
    bool a_across = fb_field_u8(&node->load->fb, node->options, 0, 0);
    bool b_across = !fb_field_u8(&node->load->fb, node->options, 1, 0);
    uint32_t a_rows, a_columns, b_rows, b_columns, rows, columns;
    cut(&a, &a_rows, &a_columns);
    cut(&b, &b_rows, &b_columns);
    cut(&output, &rows, &columns);
    uint32_t depth = a_across ? a_rows : a_columns;
    if (depth != (b_across ? b_rows : b_columns) || rows != (a_across ? a_columns : a_rows) ||
        columns != (b_across ? b_columns : b_rows)) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    tflm_broadcast_t matrices;
    TRY(tflm_broadcast_init(node, &a, &b, &output, &matrices));
    node->rows = output.elements / columns;
    node->macs = (uint64_t)output.elements * depth;
    matmul_t *self = tflm_node_data(node, 3, sizeof *self);
    if (self) {
        self->a = tflm_node_input(node, 0);
        self->b = tflm_node_input(node, 1);
        self->output = tflm_node_output(node, 0);
        self->rows = rows;
        self->columns = columns;
        self->depth = depth;
        self->a_layout = layout(rows, depth, a_across);
        self->b_layout = layout(columns, depth, b_across);
        self->a_zero_point = a.zero_point;
        self->b_zero_point = b.zero_point;
        self->output_zero_point = output.zero_point;
        self->scale = tflm_quantize_scale((double)(a.scale * b.scale) / (double)output.scale);
        self->matrices = matrices;
    }
    return TFLM_OK;
}

TFLM_EVAL(batch_matmul) {
    const matmul_t *self = data;
    const int8_t *a = (const int8_t *)tflm_at(run, self->a);
    const int8_t *b = (const int8_t *)tflm_at(run, self->b);
    int8_t *output = (int8_t *)tflm_at(run, self->output) + (size_t)from * self->columns;
    tflm_walk_t walk = {{0}, 0, 0};
    for (uint32_t i = 0; i < from / self->rows; i++) {
        tflm_walk_next(&self->matrices, &walk);
    }
    size_t a_step = self->a_layout.step, b_step = self->b_layout.step;
    for (uint32_t row = from; row < to; row++) {
        uint32_t line = row % self->rows;
        const int8_t *matrix = b + (size_t)walk.b * self->b_layout.elements;
        for (uint32_t column = 0; column < self->columns; column++) {
            const int8_t *x =
                a + (size_t)walk.a * self->a_layout.elements + (size_t)line * self->a_layout.line;
            const int8_t *y = matrix + (size_t)column * self->b_layout.line;
            uint32_t sum = 0;
            for (uint32_t i = 0; i < self->depth; i++, x += a_step, y += b_step) {
                sum += (uint32_t)((*x - self->a_zero_point) * (*y - self->b_zero_point));
            }
            int32_t value =
                tflm_scale_apply((int32_t)sum, self->scale.multiplier, self->scale.shift);
            value = (int32_t)((uint32_t)value + (uint32_t)self->output_zero_point);
            *output++ = (int8_t)tflm_clamp(value, -128, 127);
        }
        if (line + 1 == self->rows) {
            tflm_walk_next(&self->matrices, &walk);
        }
    }
}
