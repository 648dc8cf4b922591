// SPDX-License-Identifier: Apache-2.0
// SOFTMAX of int16. As TensorFlow Lite Micro does, it interpolates exp and 1 / (1 + x) from tables
// of 513 numbers.
#include "int16.h"

enum { ENTRIES = 513 };

typedef struct {
    uint32_t input, output; // Places.
    uint32_t depth;
    tflm_scale_t scale;
    int16_t exponentials[ENTRIES + 1], reciprocals[ENTRIES + 1]; // The last one is unused.
} softmax_t;

// A function to tabulate, at step `half` of 1024.
typedef float (*function_t)(uint32_t half);

// Returns exp from -10 to 0, from its values at -10 / 1024 times a power of two.
static TFLM_COLD float exponential(uint32_t half) {
    static const uint32_t factors[] = {2126614195, 2105947554, 2065214841, 1986097703,
                                       1836840104, 1571132600, 1149465165, 615264366,
                                       176276192,  14469631,   97496};
    uint64_t value = 0x80000000u;
    for (uint32_t bits = 1024 - half, i = 0; bits; bits >>= 1, i++) {
        if (bits & 1) {
            value = (value * factors[i] + (1u << 30)) >> 31;
        }
    }
    return (float)(uint32_t)value * 0x1p-31f; // At most 2^31.
}

// Returns 1 / (1 + x) from 0 to 1.
static TFLM_COLD float reciprocal(uint32_t half) {
    return 1 / (1 + (float)half * 0x1p-10f);
}

static int32_t rounded(float positive) {
    return (int32_t)(positive + 0.5f);
}

// Returns entry `i` of a table, chosen to halve the error between it and the next. In single
// precision, as some of these sums are within its error of a tie.
static TFLM_COLD int32_t entry(function_t of, uint32_t i) {
    int32_t value = rounded(of(2 * i) * 32768);
    if (i < 512) {
        int32_t between = rounded((of(2 * i + 2) * 32768 + (float)value) / 2);
        int32_t error = between - rounded(of(2 * i + 1) * 32768);
        value -= (error + (error < 0 ? -1 : 1)) / 2;
    }
    return value < 32767 ? value : 32767;
}

// Looks up step x of 65535.
static inline int32_t look_up(const int16_t *table, uint32_t x) {
    const int16_t *at = table + x / 128;
    int32_t slope = at[1] - at[0];
    return at[0] + ((slope * (int32_t)(x % 128) + 64) >> 7);
}

TFLM_PREPARE(int16_softmax) {
    const float unit = 1.0f / 32768, tolerance = 0.001f / 32768;
    TRY(tflm_expect(node, 1, 1, 1));
    tflm_tensor_t input, output;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_output(node, 0, &output));
    TRY(tflm_expect_same_shape(node, &input, &output));
    TRY(tflm_expect_int16(node, &input));
    TRY(tflm_expect_int16(node, &output));
    float error = output.scale - unit;
    if (!(error <= tolerance) || !(error >= -tolerance)) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the output's scale");
    }
    uint32_t depth = input.rank ? (uint32_t)input.dims[input.rank - 1] : 0;
    float beta = fb_field_f32(&node->load->fb, node->options, 0, 0);
    // The tables reach from -10, at a difference of -65535, to 0.
    // What lies between two of their arguments is the double 10.0 / 65535.
    const uint64_t step = 0x5000500050005;
    const int step_exponent = -63;
    if (!depth || depth > 65535 || !(beta > 0)) { // Then sums stay within 32 bits.
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%u elements, or beta", depth);
    }
    node->rows = input.elements / depth;
    node->cost = (uint64_t)depth * 40 + 400;
    softmax_t *self = tflm_node_data(node, 2, sizeof *self);
    if (self) {
        self->input = tflm_node_input(node, 0);
        self->output = tflm_node_output(node, 0);
        self->depth = depth;
        for (uint32_t i = 0; i < ENTRIES; i++) {
            self->exponentials[i] = (int16_t)entry(exponential, i);
            self->reciprocals[i] = (int16_t)entry(reciprocal, i);
        }
        self->scale = tflm_quantize_quotient(input.scale, beta, step, step_exponent);
    }
    return TFLM_OK;
}

TFLM_EVAL(int16_softmax) {
    const softmax_t *self = data;
    size_t row_bytes = self->depth * sizeof(int16_t);
    const uint8_t *input = tflm_at(run, self->input) + from * row_bytes;
    int16_t *output = (int16_t *)(void *)(tflm_at(run, self->output) + from * row_bytes);
    for (uint32_t row = from; row < to; row++, input += row_bytes, output += self->depth) {
        int32_t max = -32768;
        for (uint32_t i = 0; i < self->depth; i++) {
            int32_t x = tflm_int16(input, i);
            max = x > max ? x : max;
        }
        uint32_t sum = 0;
        for (uint32_t i = 0; i < self->depth; i++) {
            int32_t x = tflm_int16(input, i) - max;
            x = tflm_scale_apply(x, self->scale.multiplier, self->scale.shift);
            x = look_up(self->exponentials, (uint32_t)(tflm_clamp(x, -65535, 0) + 65535));
            output[i] = (int16_t)x;
            sum += (uint32_t)x;
        }
        int shift = 30; // The position of the highest bit.
        while (!(sum >> shift)) {
            shift--;
        }
        uint32_t scaled = ((sum << (30 - shift)) + (1u << 13)) >> 14;
        scaled = (uint32_t)tflm_clamp((int32_t)scaled - 65536, 0, 65535);
        int32_t factor = look_up(self->reciprocals, scaled);
        for (uint32_t i = 0; i < self->depth; i++) {
            uint32_t product = (uint32_t)(output[i] * factor) + (1u << (shift - 1));
            uint32_t value = product >> shift;
            output[i] = (int16_t)(value < 32767 ? value : 32767);
        }
    }
}
