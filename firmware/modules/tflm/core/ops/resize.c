// SPDX-License-Identifier: Apache-2.0
// RESIZE_NEAREST_NEIGHBOR, and RESIZE_BILINEAR of int8.
#include "bytes.h"
#include "ops.h"

enum { MAX_SIZE = 1 << 15 };

// Maps output positions to the input along height and width. It is followed by an entry for each
// output row, then one for each column.
typedef struct {
    uint32_t input, output; // Places.
    uint32_t height, width;
    uint32_t depth; // in bytes
    uint32_t output_height, output_width;
} resize_t;

// Interpolates between two input elements: (1024 - part) of `first`, and part of `second`.
typedef struct {
    uint16_t first, second;
    int32_t part;
} blend_t;

typedef struct {
    tflm_tensor_t tensors[3]; // Input, size, output.
    bool align_corners, half_pixel_centers;
} setup_t;

static tflm_status_t get_setup(tflm_node_t *node, bool nearest, setup_t *setup) {
    fb_t *fb = &node->load->fb;
    TRY(tflm_get_tensors(node, "aaa", setup->tensors));
    const tflm_tensor_t *input = &setup->tensors[0], *output = &setup->tensors[2];
    int32_t sizes[2] = {0, 0};
    TRY(tflm_constants(node, &setup->tensors[1], sizes, 2));
    if (input->type != output->type ||
        (input->type != TFLM_INT8 &&
         !(nearest && (input->type == TFLM_INT16 || input->type == TFLM_FLOAT32)))) {
        return tflm_types_fail(node, input, output);
    }
    if (input->rank != 4 || output->rank != 4 || output->dims[0] != input->dims[0] ||
        output->dims[3] != input->dims[3] || output->dims[1] != sizes[0] ||
        output->dims[2] != sizes[1] || input->dims[1] > MAX_SIZE || input->dims[2] > MAX_SIZE ||
        sizes[0] > MAX_SIZE || sizes[1] > MAX_SIZE) {
        return tflm_unfit(node);
    }
    unsigned first_field = nearest ? 0 : 2;
    setup->align_corners = fb_field_u8(fb, node->options, first_field, 0);
    setup->half_pixel_centers = fb_field_u8(fb, node->options, first_field + 1, 0);
    return TFLM_OK;
}

static resize_t *resize_new(tflm_node_t *node, const setup_t *setup, uint32_t entry_bytes) {
    const tflm_tensor_t *input = &setup->tensors[0], *output = &setup->tensors[2];
    uint32_t entries = (uint32_t)(output->dims[1] + output->dims[2]);
    node->rows = (uint32_t)(output->dims[0] * output->dims[1]);
    node->cost = (uint64_t)(uint32_t)(output->dims[2] * output->dims[3]) * 8 * entry_bytes;
    resize_t *self = tflm_node_data(node, 2, sizeof *self + entries * entry_bytes);
    if (self) {
        self->height = (uint32_t)input->dims[1];
        self->width = (uint32_t)input->dims[2];
        self->depth = (uint32_t)input->dims[3] * tflm_type_bytes(input->type);
        self->output_height = (uint32_t)output->dims[1];
        self->output_width = (uint32_t)output->dims[2];
    }
    return self;
}

// In single precision, as in tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h.
static void fill_nearest(const setup_t *setup, int axis, uint16_t *nearest) {
    int32_t from = setup->tensors[0].dims[axis], to = setup->tensors[2].dims[axis];
    bool corners = setup->align_corners && to > 1;
    float scale = corners ? (float)(from - 1) / (float)(to - 1) : (float)from / (float)to;
    for (int32_t i = 0; i < to; i++) {
        float value = (float)i;
        if (setup->half_pixel_centers) {
            value += 0.5f;
        }
        value *= scale;
        int32_t at = setup->align_corners ? tflm_round(value) : (int32_t)value;
        nearest[i] = (uint16_t)tflm_clamp(at, 0, from - 1);
    }
}

TFLM_PREPARE(resize_nearest_neighbor) {
    setup_t setup;
    TRY(get_setup(node, true, &setup));
    resize_t *self = resize_new(node, &setup, sizeof(uint16_t));
    if (self) {
        uint16_t *nearest = (uint16_t *)(self + 1);
        fill_nearest(&setup, 1, nearest);
        fill_nearest(&setup, 2, nearest + self->output_height);
    }
    return TFLM_OK;
}

TFLM_EVAL(resize_nearest_neighbor) {
    const resize_t *self = data;
    const uint16_t *rows = (const uint16_t *)(self + 1);
    const uint16_t *columns = rows + self->output_height;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output =
        (int8_t *)tflm_at(run, self->output) + (size_t)from * self->output_width * self->depth;
    for (uint32_t row = from; row < to; row++) {
        size_t y =
            (size_t)(row / self->output_height) * self->height + rows[row % self->output_height];
        for (uint32_t x = 0; x < self->output_width; x++) {
            tflm_copy(output, input + (y * self->width + columns[x]) * self->depth, self->depth);
            output += self->depth;
        }
    }
}

// With 10 fraction bits, as ResizeBilinearInteger in
// tensorflow/lite/kernels/internal/reference/resize_bilinear.h.
static void fill_blends(const setup_t *setup, int axis, blend_t *blends) {
    int32_t from = setup->tensors[0].dims[axis], to = setup->tensors[2].dims[axis];
    int32_t scale = (1024 * from + to / 2) / to;
    if (setup->align_corners && to > 1) {
        scale = (1024 * (from - 1) + (to - 1) / 2) / (to - 1);
    }
    for (int32_t i = 0; i < to; i++) {
        int32_t value = i * scale;
        if (setup->half_pixel_centers) {
            value += scale / 2 - 512;
        }
        int32_t first = tflm_clamp(value / 1024, 0, from - 1);
        blends[i].first = (uint16_t)first;
        blends[i].second = (uint16_t)tflm_clamp((value + 1023) / 1024, 0, from - 1);
        blends[i].part = value - 1024 * first;
    }
}

TFLM_PREPARE(resize_bilinear) {
    setup_t setup;
    TRY(get_setup(node, false, &setup));
    resize_t *self = resize_new(node, &setup, sizeof(blend_t));
    if (self) {
        blend_t *blends = (blend_t *)(self + 1);
        fill_blends(&setup, 1, blends);
        fill_blends(&setup, 2, blends + self->output_height);
    }
    return TFLM_OK;
}

TFLM_EVAL(resize_bilinear) {
    const resize_t *self = data;
    const blend_t *rows = (const blend_t *)(self + 1);
    const blend_t *columns = rows + self->output_height;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    int8_t *output =
        (int8_t *)tflm_at(run, self->output) + (size_t)from * self->output_width * self->depth;
    for (uint32_t row = from; row < to; row++) {
        const blend_t *y = &rows[row % self->output_height];
        size_t batch = (size_t)(row / self->output_height) * self->height;
        const int8_t *upper = input + (batch + y->first) * self->width * self->depth;
        const int8_t *lower = input + (batch + y->second) * self->width * self->depth;
        for (const blend_t *x = columns; x < columns + self->output_width; x++) {
            size_t left = (size_t)x->first * self->depth, right = (size_t)x->second * self->depth;
            int32_t weight[4] = {(1024 - y->part) * (1024 - x->part), y->part * (1024 - x->part),
                                 (1024 - y->part) * x->part, y->part * x->part};
            for (uint32_t c = 0; c < self->depth; c++) {
                // For parts beyond the last element, products may wrap around, but their sum does
                // not.
                int32_t sum = (int32_t)((uint32_t)upper[left + c] * (uint32_t)weight[0] +
                                        (uint32_t)lower[left + c] * (uint32_t)weight[1] +
                                        (uint32_t)upper[right + c] * (uint32_t)weight[2] +
                                        (uint32_t)lower[right + c] * (uint32_t)weight[3]);
                // Rounded to nearest, halves away from zero.
                *output++ = (int8_t)((sum + (1 << 19) + (sum >> 31)) >> 20);
            }
        }
    }
}
