// SPDX-License-Identifier: Apache-2.0
// SVDF of int8 with a state of int8 or int16: each filter sees the input as a dot product, keeps
// the last few of them, and gives their sum weighted by age; `rank` filters make an output.
#include <string.h>

#include "dense.h"
#include "recurrent.h"

typedef struct {
    uint32_t input, features, times, bias, state, output; // Places; bias may be none.
    uint32_t depth, rank, memory, units;
    uint32_t state_type;
    int32_t input_zero_point, state_zero_point;
    tflm_scale_t feature_scale;
    tflm_requantize_t to;
} svdf_t;

TFLM_PREPARE(svdf) {
    TRY(tflm_expect(node, 5, 5, 1));
    fb_t *fb = &node->load->fb;
    tflm_tensor_t input, features, times, state, output;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_input(node, 2, &times));
    TRY(tflm_get_output(node, 0, &output));
    if (input.type != TFLM_INT8 || output.type != TFLM_INT8 ||
        (times.type != TFLM_INT8 && times.type != TFLM_INT16)) {
        return tflm_types_fail(node, &input, &output);
    }
    TRY(tflm_expect_quantized(node, &input));
    TRY(tflm_expect_quantized(node, &output));
    int32_t rank = fb_field_i32(fb, node->options, 0, 0);
    int32_t memory = times.dims[1];
    if (input.rank != 2 || output.rank != 2 || times.rank != 2 || rank < 1 ||
        output.dims[0] != input.dims[0] || output.dims[1] > INT32_MAX / rank) {
        return tflm_unfit(node);
    }
    int32_t filters = output.dims[1] * rank;
    uint32_t bias_at;
    TRY(tflm_get_matrix(node, 1, TFLM_INT8, filters, input.dims[1], &features));
    TRY(tflm_get_matrix(node, 2, times.type, filters, memory, &times));
    TRY(tflm_get_bias(node, 3, (uint32_t)output.dims[1], &bias_at));
    TRY(tflm_get_state(node, 4, times.type, (uint64_t)times.elements * (uint32_t)input.dims[0],
                       &state));
    // Biases are multiples of what the products are multiples of; TensorFlow Lite Micro allows for
    // as much.
    tflm_tensor_t bias = {.scale = state.scale * times.scale};
    float unit = bias.scale;
    if (bias_at) {
        TRY(tflm_get_input(node, 3, &bias));
    }
    if (!(bias.scale - unit < 1e-5f && unit - bias.scale < 1e-5f)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the bias's scale");
    }
    node->rows = output.elements;
    node->macs = (uint64_t)(uint32_t)input.dims[0] * ((uint64_t)features.elements + times.elements);
    node->cost = 400 + 2 * (node->macs / node->rows);
    svdf_t *self = tflm_node_data(node, 6, sizeof *self);
    if (self) {
        self->depth = (uint32_t)input.dims[1];
        self->rank = (uint32_t)rank;
        self->memory = (uint32_t)memory;
        self->units = (uint32_t)output.dims[1];
        self->state_type = state.type;
        self->input_zero_point = input.zero_point;
        self->state_zero_point = state.zero_point;
        // In single precision, as TensorFlow Lite Micro multiplies them.
        self->feature_scale = tflm_quantize_scale(input.scale * features.scale / state.scale);
        tflm_requantize_init(1, 1, &output, &self->to);
        self->to.scale = tflm_quantize_scale(state.scale * times.scale / output.scale);
    }
    return TFLM_OK;
}

static inline int32_t element(const uint8_t *data, uint32_t type, uint32_t i) {
    return type == TFLM_INT8 ? (int8_t)data[i] : tflm_int16(data, i);
}

TFLM_EVAL(svdf) {
    const svdf_t *self = data;
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    uint32_t memory = self->memory;
    size_t memory_bytes =
        memory * (self->state_type == TFLM_INT8 ? sizeof(int8_t) : sizeof(int16_t));
    size_t element_bytes = memory_bytes / memory;
    int32_t low, high;
    tflm_type_range((tflm_type_t)self->state_type, &low, &high);
    for (uint32_t row = from; row < to; row++) {
        uint32_t unit = row % self->units;
        const int8_t *input =
            (const int8_t *)tflm_at(run, self->input) + (size_t)(row / self->units) * self->depth;
        const int8_t *features =
            (const int8_t *)tflm_at(run, self->features) + (size_t)unit * self->rank * self->depth;
        const uint8_t *times = tflm_at(run, self->times) + unit * self->rank * memory_bytes;
        uint8_t *state = tflm_at(run, self->state) + (size_t)row * self->rank * memory_bytes;
        uint32_t sum = 0;
        if (self->bias != TFLM_PLACE_NONE) {
            sum = (uint32_t)tflm_get(tflm_at(run, self->bias), TFLM_INT32, unit);
        }
        for (uint32_t i = 0; i < self->rank; i++) {
            uint32_t feature = tflm_dot1(input, -self->input_zero_point, features, self->depth);
            memmove(state, state + element_bytes, memory_bytes - element_bytes);
            // The zero point is added after clamping, and may wrap around.
            int32_t value =
                tflm_clamp(tflm_scaled((int32_t)feature, self->feature_scale), low, high);
            tflm_set(state, self->state_type, memory - 1, value + self->state_zero_point);
            for (uint32_t j = 0; j < memory; j++) {
                int32_t past = element(state, self->state_type, j) - self->state_zero_point;
                sum += (uint32_t)past * (uint32_t)element(times, self->state_type, j);
            }
            features += self->depth;
            times += memory_bytes;
            state += memory_bytes;
        }
        output[row] = (int8_t)tflm_requantize((int32_t)sum, &self->to);
    }
}
