// SPDX-License-Identifier: Apache-2.0
// UNIDIRECTIONAL_SEQUENCE_LSTM of int8, or of int16 with int8 weights, and a cell state of int16,
// without peepholes, projection and layer normalization, as TensorFlow Lite Micro has it. A row is
// one step of one batch.
#include <string.h>

#include "dense.h"
#include "int16.h"
#include "lstm.h"

enum { FORWARD, SUMS = TFLM_LSTM_SUMS, GATES = TFLM_GATES, TOGETHER = TFLM_LSTM_UNITS };

// Where the operator's inputs begin: four weight tensors each, then biases and states.
enum { WEIGHTS = 1, BIASES = 12, HIDDEN_STATE = 18, CELL_STATE = 19, INPUTS = 24 };

// Activations take 12 fraction bits, and give 15.
static const float activation_scale = 1.0f / 4096, gate_scale = 1.0f / 32768;

typedef struct {
    uint32_t weights[SUMS * GATES], bias[GATES]; // Places.
    uint32_t input, hidden, cell, output;
    uint32_t depth, units;
    uint32_t batches, steps;
    bool time_major; // Batches are contiguous within a step.
    tflm_scale_t scale[SUMS * GATES];
    tflm_lstm_cell_t step;
    int32_t folded[]; // For int8: biases with zero points folded in, for both sums of each gate.
} lstm_t;

typedef struct {
    tflm_tensor_t input, output, hidden, cell, weights[SUMS * GATES];
    uint32_t bias_at[GATES]; // For int8.
} tensors_t;

static tflm_status_t get_tensors(tflm_node_t *node, tensors_t *t, bool time_major) {
    TRY(tflm_get_input(node, 0, &t->input));
    TRY(tflm_get_output(node, 0, &t->output));
    tflm_type_t type = tflm_node_type(node);
    if (t->input.type != type || t->output.type != type) {
        return tflm_types_fail(node, &t->input, &t->output);
    }
    TRY(tflm_expect_quantized(node, &t->input));
    if (t->input.rank != 3 || t->output.rank != 3 || t->input.dims[0] != t->output.dims[0] ||
        t->input.dims[1] != t->output.dims[1]) {
        return tflm_unfit(node);
    }
    int32_t units = t->output.dims[2];
    uint64_t cells = (uint64_t)(uint32_t)t->input.dims[time_major] * (uint32_t)units;
    TRY(tflm_get_state(node, HIDDEN_STATE, type, cells, &t->hidden));
    TRY(tflm_get_state(node, CELL_STATE, TFLM_INT16, cells, &t->cell));
    if (type == TFLM_INT16 && (t->input.zero_point || t->hidden.zero_point)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "int16 with a zero point");
    }
    for (uint32_t i = 0; i < GATES; i++) {
        uint32_t *bias_at = &t->bias_at[i];
        for (uint32_t j = 0; j < SUMS; j++) {
            TRY(tflm_get_matrix(node, WEIGHTS + j * GATES + i, TFLM_INT8, units,
                                j == FORWARD ? t->input.dims[2] : units,
                                &t->weights[j * GATES + i]));
        }
        TRY(type == TFLM_INT16
                ? tflm_get_wide_bias(node, BIASES + i, (uint32_t)units, TFLM_INT64, bias_at)
                : tflm_get_bias(node, BIASES + i, (uint32_t)units, bias_at));
    }
    for (uint32_t i = WEIGHTS + SUMS * GATES; i < INPUTS; i++) {
        bool used = (i >= BIASES && i < BIASES + GATES) || i == HIDDEN_STATE || i == CELL_STATE;
        if (!used && tflm_node_input(node, i) != TFLM_NO_TENSOR) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "peephole or projection");
        }
    }
    return TFLM_OK;
}

// Gives the exponent of a power of two; fails on other numbers.
static tflm_status_t get_exponent(tflm_node_t *node, float scale, int32_t *exponent) {
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    *exponent = (int32_t)(bits >> 23) - 127;
    if (bits << 9 || *exponent < -27 || *exponent > 0) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the cell state's scale");
    }
    return TFLM_OK;
}

TFLM_PREPARE(lstm) {
    TRY(tflm_expect(node, INPUTS, INPUTS, 1));
    fb_t *fb = &node->load->fb;
    float clip = fb_field_f32(fb, node->options, 1, 0);
    bool time_major = fb_field_u8(fb, node->options, 3, 0);
    if (fb_field_u8(fb, node->options, 0, 0) != TFLM_ACT_TANH || !(clip >= 0 && clip < 1e30f)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation or clipping");
    }
    tensors_t t;
    TRY(get_tensors(node, &t, time_major));
    int32_t cell_shift;
    TRY(get_exponent(node, t.cell.scale, &cell_shift));
    uint32_t depth = (uint32_t)t.input.dims[2], units = (uint32_t)t.output.dims[2];
    node->rows = t.output.elements / units;
    node->macs = (uint64_t)t.output.elements * GATES * ((uint64_t)depth + units);
    node->cost = node->macs / node->rows + 600 * (uint64_t)units;
    node->cost *= tflm_node_type(node) == TFLM_INT16 ? 2 : 1;
    bool wide = tflm_node_type(node) == TFLM_INT16;
    uint32_t folded = wide ? 0 : 2 * GATES * units * (uint32_t)sizeof(int32_t);
    lstm_t *self = tflm_node_data(node, 3 * GATES + 4, sizeof *self + folded);
    if (!self) {
        return TFLM_OK;
    }
    self->input = tflm_node_input(node, 0);
    self->hidden = tflm_node_input(node, HIDDEN_STATE);
    self->cell = tflm_node_input(node, CELL_STATE);
    self->output = tflm_node_output(node, 0);
    self->depth = depth;
    self->units = units;
    self->batches = (uint32_t)t.input.dims[time_major];
    self->steps = node->rows / self->batches;
    self->time_major = time_major;
    self->step.tanh_shift = 12 + cell_shift;
    float most = clip / t.cell.scale;
    self->step.high = clip > 0 && most < 32767.0f ? (int32_t)most : 32767;
    self->step.low = clip > 0 ? -self->step.high : -32768;
    if (!self->step.high) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation or clipping");
    }
    for (uint32_t i = 0; i < SUMS * GATES; i++) {
        const tflm_tensor_t *of = i / GATES == FORWARD ? &t.input : &t.hidden;
        const tflm_tensor_t *weights = &t.weights[i];
        self->weights[i] = tflm_node_input(node, WEIGHTS + i);
        tflm_scale_t scale = tflm_quantize_ratio(of->scale * weights->scale, 1, activation_scale);
        self->scale[i] = scale;
        if (wide && scale.shift > TFLM_SHIFT_64) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "scales too far apart");
        }
        if (!wide) {
            int32_t *folded = self->folded + i * units;
            uint32_t columns = (uint32_t)weights->dims[1];
            memset(folded, 0, units * sizeof *folded);
            if (i < GATES && t.bias_at[i]) {
                memcpy(folded, fb->data + t.bias_at[i], units * sizeof *folded);
            }
            tflm_fold_zero_point(fb->data + weights->data_at, false, columns, 1, units, columns,
                                 of->zero_point, folded);
        }
    }
    for (uint32_t i = 0; i < GATES; i++) {
        self->bias[i] = tflm_node_input(node, BIASES + i);
    }
    self->step.forget_scale = tflm_quantize_scale(gate_scale);
    self->step.update_scale = tflm_quantize_ratio(gate_scale * gate_scale, 1, t.cell.scale);
    tflm_requantize_init(gate_scale * gate_scale, 1, &t.hidden, &self->step.to);
    return TFLM_OK;
}

static size_t batch_of(const lstm_t *self, uint32_t row) {
    return self->time_major ? row % self->batches : row / self->steps;
}

// Computes a gate of some units, before its activation.
static void gate_of(const lstm_t *self, const tflm_run_t *run, uint32_t gate, uint32_t unit,
                    uint32_t count, const int8_t *const *of, int16_t *to) {
    memset(to, 0, count * sizeof *to);
    for (uint32_t j = 0; j < SUMS; j++) {
        uint32_t n = j == FORWARD ? self->depth : self->units, at = j * GATES + gate;
        const int8_t *w = (const int8_t *)tflm_at(run, self->weights[at]) + (size_t)unit * n;
        int32_t sum[TOGETHER];
        tflm_dense(of[j], w, n, n, count, sum);
        tflm_add_scaled(sum, self->folded + at * self->units + unit, self->scale[at], count, to);
    }
}

TFLM_EVAL(lstm) {
    const lstm_t *self = data;
    uint32_t units = self->units;
    for (uint32_t row = from; row < to; row++) {
        size_t state = batch_of(self, row) * units;
        const int8_t *input = (const int8_t *)tflm_at(run, self->input) + (size_t)row * self->depth;
        int8_t *output = (int8_t *)tflm_at(run, self->output) + (size_t)row * units;
        int8_t *hidden = (int8_t *)tflm_at(run, self->hidden) + state;
        int16_t *cell = (int16_t *)(void *)tflm_at(run, self->cell) + state;
        const int8_t *of[SUMS] = {input, hidden};
        for (uint32_t unit = 0; unit < units; unit += TOGETHER) {
            uint32_t count = units - unit < TOGETHER ? units - unit : TOGETHER;
            int16_t gates[GATES][TOGETHER], made[TOGETHER];
            for (uint32_t i = 0; i < GATES; i++) {
                gate_of(self, run, i, unit, count, of, gates[i]);
            }
            tflm_lstm_step(&self->step, gates, count, cell + unit, made);
            for (uint32_t i = 0; i < count; i++) {
                output[unit + i] = (int8_t)made[i];
            }
        }
        memcpy(hidden, output, units);
    }
}

#ifndef TFLM_WITHOUT_INT16
static void wide_gate_of(const lstm_t *self, const tflm_run_t *run, uint32_t gate, uint32_t unit,
                         uint32_t count, const uint8_t *const *of, int16_t *to) {
    const uint8_t *bias = NULL;
    if (self->bias[gate] != TFLM_PLACE_NONE) {
        bias = tflm_at(run, self->bias[gate]) + (size_t)unit * 8;
    }
    for (uint32_t j = 0; j < SUMS; j++) {
        uint32_t n = j == FORWARD ? self->depth : self->units, at = j * GATES + gate;
        tflm_scale_t scale = self->scale[at];
        uint64_t sum[TOGETHER];
        tflm_int16_dense(of[j], tflm_at(run, self->weights[at]) + (size_t)unit * n, n, count, sum);
        for (uint32_t i = 0; i < count; i++) {
            sum[i] += j == FORWARD && bias ? tflm_load_u64(bias + 8 * i) : 0;
            int32_t x = tflm_scale_apply_64(sum[i], scale.multiplier, scale.shift);
            x = tflm_clamp(x, -32768, 32767) + (j == FORWARD ? 0 : to[i]);
            to[i] = (int16_t)tflm_clamp(x, -32768, 32767);
        }
    }
}

TFLM_EVAL(int16_lstm) {
    const lstm_t *self = data;
    uint32_t units = self->units, depth = self->depth;
    for (uint32_t row = from; row < to; row++) {
        size_t state = batch_of(self, row) * units;
        const uint8_t *input = tflm_at(run, self->input) + (size_t)row * depth * sizeof(int16_t);
        int16_t *output = (int16_t *)(void *)tflm_at(run, self->output) + (size_t)row * units;
        int16_t *hidden = (int16_t *)(void *)tflm_at(run, self->hidden) + state;
        int16_t *cell = (int16_t *)(void *)tflm_at(run, self->cell) + state;
        const uint8_t *of[SUMS] = {input, (const uint8_t *)hidden};
        for (uint32_t unit = 0; unit < units; unit += TOGETHER) {
            uint32_t count = units - unit < TOGETHER ? units - unit : TOGETHER;
            int16_t gates[GATES][TOGETHER];
            for (uint32_t i = 0; i < GATES; i++) {
                wide_gate_of(self, run, i, unit, count, of, gates[i]);
            }
            tflm_lstm_step(&self->step, gates, count, cell + unit, output + unit);
        }
        memcpy(hidden, output, units * sizeof(int16_t));
    }
}
#endif
