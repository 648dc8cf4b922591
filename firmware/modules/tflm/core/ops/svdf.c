// SPDX-License-Identifier: Apache-2.0
// SVDF of int8 with a state of int8 or int16. Each filter computes a dot product of the input,
// keeps the last few of them, and gives their sum weighted by age; `rank` filters make an output.
#include <string.h>

#include "bytes.h"
#include "dense.h"
#include "recurrent.h"

typedef struct {
    uint32_t input, features, times, bias, state, output; // Places; there may be no bias.
    uint32_t depth, rank, memory, units;
    uint32_t state_bytes; // Of one element.
    int32_t state_zero_point;
    tflm_scale_t feature_scale;
    tflm_output_t to; // Followed by what tflm_stage reads.
    int32_t multiplier;
    int8_t shift;
    int32_t folded[]; // The contribution of the input's zero point to each filter's sum.
} svdf_t;

// Filters that are computed together.
enum { TOGETHER = 32 };

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
    // The bias must have the scale of the products; TensorFlow Lite Micro has the same tolerance.
    float unit = state.scale * times.scale, beyond = 0;
    if (bias_at) {
        tflm_tensor_t bias;
        TRY(tflm_get_input(node, 3, &bias));
        beyond = bias.scale - unit;
    }
    if (!(beyond < 1e-5f && beyond > -1e-5f)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the bias's scale");
    }
    node->rows = output.elements;
    node->macs = (uint64_t)(uint32_t)input.dims[0] * ((uint64_t)features.elements + times.elements);
    node->cost = 400 + 2 * (node->macs / node->rows);
    uint32_t folded = (uint32_t)filters * (uint32_t)sizeof(int32_t);
    svdf_t *self = tflm_node_data(node, 6, sizeof *self + folded);
    if (self) {
        self->depth = (uint32_t)input.dims[1];
        self->rank = (uint32_t)rank;
        self->memory = (uint32_t)memory;
        self->units = (uint32_t)output.dims[1];
        self->state_bytes = tflm_type_bytes(state.type);
        memset(self->folded, 0, folded);
        tflm_fold_zero_point(fb->data + features.data_at, false, self->depth, 1, (uint32_t)filters,
                             self->depth, input.zero_point, self->folded);
        self->state_zero_point = state.zero_point;
        // In single precision, as in TensorFlow Lite Micro.
        self->feature_scale = tflm_quantize_scale(input.scale * features.scale / state.scale);
        tflm_scale_t scale = tflm_quantize_scale(state.scale * times.scale / output.scale);
        self->multiplier = scale.multiplier;
        self->shift = (int8_t)scale.shift;
        self->to.scales = 1;
        self->to.zero_point = output.zero_point;
        self->to.low = INT8_MIN;
        self->to.high = INT8_MAX;
        self->to.left = scale.shift >= 0;
    }
    return TFLM_OK;
}

// Computes the dot products of filters from `filter` on, as the newest elements of their states.
static void see(const svdf_t *self, const int8_t *input, const int8_t *features, uint32_t filter,
                uint32_t count, uint8_t *state) {
    size_t memory_bytes = self->memory * self->state_bytes;
    uint8_t *newest = state + memory_bytes - self->state_bytes;
    while (count) {
        int32_t sum[TOGETHER];
        int16_t seen[TOGETHER] = {0};
        uint32_t some = count < TOGETHER ? count : TOGETHER, n = self->depth;
        tflm_dense(input, features + (size_t)filter * n, n, n, some, sum);
        tflm_add_scaled(sum, self->folded + filter, self->feature_scale, some, seen);
        for (uint32_t i = 0; i < some; i++, newest += memory_bytes) {
            // The zero point is added after clamping, and may wrap around.
            if (self->state_bytes == sizeof(int8_t)) {
                *newest = (uint8_t)(tflm_clamp(seen[i], -128, 127) + self->state_zero_point);
            } else {
                *(int16_t *)(void *)newest = (int16_t)(seen[i] + self->state_zero_point);
            }
        }
        filter += some;
        count -= some;
    }
}

// Returns the sum of n products of states, without their zero point, and weights.
static inline __attribute__((always_inline)) uint32_t remember(const svdf_t *self,
                                                               const uint8_t *state,
                                                               const uint8_t *times, uint32_t n) {
    if (self->state_bytes == sizeof(int8_t)) {
        return tflm_dot1((const int8_t *)state, -self->state_zero_point, (const int8_t *)times, n);
    }
    uint32_t sum = tflm_dot_16(state, times, n);
    for (uint32_t i = 0; self->state_zero_point && i < n; i++) {
        sum -= (uint32_t)self->state_zero_point * (uint32_t)tflm_int16(times, i);
    }
    return sum;
}

TFLM_EVAL(svdf) {
    const svdf_t *self = data;
    // Of the filters of one output.
    uint32_t memory = self->rank * self->memory;
    size_t memory_bytes = memory * self->state_bytes;
    int8_t *output = (int8_t *)tflm_at(run, self->output);
    tflm_stage_t stage = tflm_stage(run, &self->to, self->bias);
    while (from < to) {
        uint32_t unit = from % self->units, count = self->units - unit;
        count = count < to - from ? count : to - from;
        const int8_t *input = (const int8_t *)tflm_at(run, self->input);
        const uint8_t *times = tflm_at(run, self->times) + unit * memory_bytes;
        uint8_t *state = tflm_at(run, self->state) + from * memory_bytes;
        tflm_move_down(state, self->state_bytes, count * memory_bytes - self->state_bytes);
        see(self, input + (size_t)(from / self->units) * self->depth,
            (const int8_t *)tflm_at(run, self->features), unit * self->rank, count * self->rank,
            state);
        while (count) {
            int32_t sum[TOGETHER];
            uint32_t some = count < TOGETHER ? count : TOGETHER;
            for (uint32_t i = 0; i < some; i++, state += memory_bytes, times += memory_bytes) {
                sum[i] = (int32_t)remember(self, state, times, memory);
            }
            tflm_finish_all(&stage, unit, some, some, sum, output + from);
            unit += some;
            from += some;
            count -= some;
        }
    }
}
