// SPDX-License-Identifier: Apache-2.0
#include "dense.h"
#include "window.h"

#ifdef TFLM_HELIUM
#include "helium.h"
#endif

// Channels that are summed up side by side.
enum { BLOCK = 8, MAX_TAPS = 1 << 16 };

typedef struct {
    uint32_t input, weights, output_place; // Places.
    tflm_window_t y, x;
    uint32_t depth; // Channels of the input.
    uint32_t multiplier;
    int32_t zero_point;
    tflm_output_t output;
} depthwise_t;

TFLM_PREPARE(depthwise_conv) {
    TRY(tflm_expect(node, 2, 3, 1));
    fb_t *fb = &node->load->fb;
    tflm_tensor_t input, weights, output;
    TRY(tflm_get_input(node, 0, &input));
    TRY(tflm_get_input(node, 1, &weights));
    TRY(tflm_get_output(node, 0, &output));
    if (input.type != TFLM_INT8 || output.type != TFLM_INT8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s to %s", tflm_type_name(input.type),
                              tflm_type_name(output.type));
    }
    TRY(tflm_expect_quantized(node, &input));
    TRY(tflm_expect_quantized(node, &output));
    if (input.rank != 4 || weights.rank != 4 || output.rank != 4 ||
        input.dims[0] != output.dims[0] || weights.dims[0] != 1 ||
        weights.dims[3] != output.dims[3] || output.dims[3] % input.dims[3] ||
        fb_field_i32(fb, node->options, 3, 0) != output.dims[3] / input.dims[3]) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    uint32_t channels = (uint32_t)output.dims[3];
    tflm_window_t y = {.input = input.dims[1], .output = output.dims[1], .taps = weights.dims[1]};
    tflm_window_t x = {.input = input.dims[2], .output = output.dims[2], .taps = weights.dims[2]};
    uint8_t padding = fb_field_u8(fb, node->options, 0, 0);
    x.stride = fb_field_i32(fb, node->options, 1, 0);
    y.stride = fb_field_i32(fb, node->options, 2, 0);
    x.dilation = fb_field_i32(fb, node->options, 5, 1);
    y.dilation = fb_field_i32(fb, node->options, 6, 1);
    TRY(tflm_window_init(node, &y, padding));
    TRY(tflm_window_init(node, &x, padding));
    uint32_t bias_at;
    TRY(tflm_expect_weights(node, &weights, channels, 3));
    TRY(tflm_get_bias(node, 2, channels, &bias_at));
    int32_t low, high;
    TRY(tflm_activation_range(node, fb_field_u8(fb, node->options, 4, 0), &output, &low, &high));
    uint32_t taps = weights.elements / channels;
    if (taps > MAX_TAPS) { // Sums of so many products stay within 32 bits.
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%u taps", taps);
    }
    tflm_window_overlap(node, &y, input.dims[0], input.bytes / (uint32_t)input.dims[1],
                        output.bytes / (uint32_t)output.dims[1]);
    node->rows = (uint32_t)(output.dims[0] * output.dims[1]);
    node->macs = (uint64_t)output.elements * taps;
    depthwise_t *self =
        tflm_node_data(node, 3, sizeof *self + tflm_stage_bytes(channels, weights.scales));
    if (!self) {
        return TFLM_OK;
    }
    self->input = tflm_node_input(node, 0);
    self->weights = tflm_node_input(node, 1);
    self->output_place = tflm_node_output(node, 0);
    self->y = y;
    self->x = x;
    self->depth = (uint32_t)input.dims[3];
    self->multiplier = channels / self->depth;
    self->zero_point = input.zero_point;
    self->output.channels = channels;
    self->output.scales = weights.scales;
    self->output.low = low;
    self->output.high = high;
    TRY(tflm_stage_init(node, &input, &weights, &output, bias_at, false, &self->output, self + 1));
    int32_t *bias = (int32_t *)(self + 1);
    const int8_t *w = (const int8_t *)fb->data + weights.data_at;
    for (uint32_t i = 0; i < taps * channels; i++) {
        uint32_t channel = i % channels;
        bias[channel] =
            (int32_t)((uint32_t)bias[channel] - (uint32_t)input.zero_point * (uint32_t)w[i]);
    }
    return TFLM_OK;
}

// The taps that meet the input at one output position.
typedef struct {
    const int8_t *input; // At tap 0, 0, which may lie off the input.
    const int8_t *weights;
    ptrdiff_t input_row, input_column; // Steps in bytes.
    ptrdiff_t weight_row, weight_column;
    int32_t y_from, y_to, x_from, x_to;
    int32_t y_taps, x_taps;
    int32_t zero_point;
    bool padded;
} taps_t;

#ifdef TFLM_HELIUM

// BLOCK neighbouring channels, which come from as many input channels or (`shared`) from one.
static inline __attribute__((always_inline)) void block(const tflm_stage_t *stage,
                                                        const taps_t *taps, const int8_t *x,
                                                        const int8_t *w, const bool shared,
                                                        uint32_t channel, int8_t *output) {
    // The products of even channels, and of odd ones.
    int32x4x2_t sum = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    int16x8_t zero_point = vdupq_n_s16((int16_t)taps->zero_point);
    for (int32_t i = 0; i < taps->y_taps; i++) {
        const int8_t *xj = x + i * taps->input_row, *wj = w + i * taps->weight_row;
        // The first is past the last where the whole row is off the input.
        int32_t from = taps->x_from, to = taps->x_to;
        if (i < taps->y_from || i >= taps->y_to) {
            from = to = taps->x_taps;
        }
        for (int32_t j = 0; j < taps->x_taps; j++) {
            int16x8_t value = zero_point;
            if (j >= from && j < to) {
                value = shared ? vdupq_n_s16(*xj) : vldrbq_s16(xj);
            }
            int16x8_t weight = vldrbq_s16(wj);
            sum.val[0] = vaddq_s32(sum.val[0], vmullbq_int_s16(value, weight));
            sum.val[1] = vaddq_s32(sum.val[1], vmulltq_int_s16(value, weight));
            xj += taps->input_column;
            wj += taps->weight_column;
        }
    }
    int32_t ordered[BLOCK];
    vst2q_s32(ordered, sum);
    for (uint32_t k = 0; k < BLOCK; k += 4) {
        int32x4_t four = vldrwq_s32(ordered + k);
        four = vaddq_s32(four, vldrwq_s32(stage->bias + channel + k));
        tflm_finish4(*stage, channel + k, 4, four, output);
    }
}

#else

// Adds up BLOCK neighbouring channels, which come from as many input channels or (`shared`) from
// one. `all` says that no tap is off the input.
static inline __attribute__((always_inline)) void sum_block(const taps_t *taps, const int8_t *x,
                                                            const int8_t *w, const bool shared,
                                                            const bool all, int32_t *restrict sum) {
    int32_t acc[BLOCK];
    for (int k = 0; k < BLOCK; k++) {
        acc[k] = 0;
    }
    for (int32_t i = all ? 0 : taps->y_from; i < (all ? taps->y_taps : taps->y_to); i++) {
        int32_t j = all ? 0 : taps->x_from;
        int32_t end = all ? taps->x_taps : taps->x_to;
        const int8_t *xj = x + i * taps->input_row + j * taps->input_column;
        const int8_t *wj = w + i * taps->weight_row + j * taps->weight_column;
        for (; j < end; j++, xj += taps->input_column, wj += taps->weight_column) {
            for (int k = 0; k < BLOCK; k++) {
                acc[k] += xj[shared ? 0 : k] * wj[k];
            }
        }
    }
    for (int k = 0; k < BLOCK; k++) {
        sum[k] = (int32_t)((uint32_t)sum[k] + (uint32_t)acc[k]);
    }
}

// The folded biases take every tap for one that meets the input: the others count as zero points.
static void add_missing(const taps_t *taps, const int8_t *w, int32_t *restrict sum) {
    int32_t acc[BLOCK] = {0};
    for (int32_t i = 0; i < taps->y_taps; i++) {
        bool row_inside = i >= taps->y_from && i < taps->y_to;
        const int8_t *wj = w + i * taps->weight_row;
        for (int32_t j = 0; j < taps->x_taps; j++, wj += taps->weight_column) {
            if (row_inside && j == taps->x_from && j < taps->x_to) {
                wj += (taps->x_to - 1 - j) * taps->weight_column;
                j = taps->x_to - 1;
                continue;
            }
            for (int k = 0; k < BLOCK; k++) {
                acc[k] += wj[k];
            }
        }
    }
    for (int k = 0; k < BLOCK; k++) {
        sum[k] = (int32_t)((uint32_t)sum[k] + (uint32_t)(acc[k] * taps->zero_point));
    }
}

static inline __attribute__((always_inline)) void block(const tflm_stage_t *stage,
                                                        const taps_t *taps, const int8_t *x,
                                                        const int8_t *w, const bool shared,
                                                        uint32_t channel, int8_t *output) {
    int32_t sum[BLOCK];
    for (uint32_t k = 0; k < BLOCK; k++) {
        sum[k] = stage->bias[channel + k];
    }
    if (taps->padded) {
        add_missing(taps, w, sum);
    }
    if (shared || taps->padded) {
        sum_block(taps, x, w, shared, false, sum);
    } else {
        sum_block(taps, x, w, false, true, sum);
    }
    for (uint32_t k = 0; k < BLOCK; k++) {
        output[channel + k] = tflm_finish(stage, channel + k, (uint32_t)sum[k]);
    }
}

#endif

// One channel, with the taps off the input.
static uint32_t sum_one(const taps_t *taps, const int8_t *x, const int8_t *w) {
    int32_t sum = 0;
    for (int32_t i = 0; i < taps->y_taps; i++) {
        bool row_inside = i >= taps->y_from && i < taps->y_to;
        for (int32_t j = 0; j < taps->x_taps; j++) {
            bool inside = row_inside && j >= taps->x_from && j < taps->x_to;
            int32_t value =
                inside ? x[i * taps->input_row + j * taps->input_column] : taps->zero_point;
            sum += value * w[i * taps->weight_row + j * taps->weight_column];
        }
    }
    return (uint32_t)sum;
}

static void position(const depthwise_t *self, const tflm_stage_t *stage, const taps_t *taps,
                     int8_t *output) {
    uint32_t channels = self->output.channels, multiplier = self->multiplier;
    uint32_t channel = 0;
    if (multiplier == 1 || multiplier % BLOCK == 0) {
        for (; channel + BLOCK <= channels; channel += BLOCK) {
            const int8_t *x = taps->input + (multiplier == 1 ? channel : channel / multiplier);
            const int8_t *w = taps->weights + channel;
            if (multiplier != 1) {
                block(stage, taps, x, w, true, channel, output);
            } else {
                block(stage, taps, x, w, false, channel, output);
            }
        }
    }
    for (; channel < channels; channel++) {
        const int8_t *w = taps->weights + channel;
        uint32_t sum = (uint32_t)stage->bias[channel];
        sum += sum_one(taps, taps->input + channel / multiplier, w);
        output[channel] = tflm_finish(stage, channel, sum);
    }
}

TFLM_EVAL(depthwise_conv) {
    const depthwise_t *self = data;
    tflm_stage_t stage = tflm_stage(&self->output, self + 1);
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    uint32_t channels = self->output.channels;
    int8_t *output =
        (int8_t *)tflm_at(run, self->output_place) + (size_t)from * (size_t)wx->output * channels;
    ptrdiff_t depth = (ptrdiff_t)self->depth;
    taps_t taps;
    taps.weights = (const int8_t *)tflm_at(run, self->weights);
    taps.input_row = wy->dilation * wx->input * depth;
    taps.input_column = wx->dilation * depth;
    taps.weight_row = wx->taps * (ptrdiff_t)channels;
    taps.weight_column = (ptrdiff_t)channels;
    taps.y_taps = wy->taps;
    taps.x_taps = wx->taps;
    taps.zero_point = self->zero_point;
    for (uint32_t row = from; row < to; row++) {
        uint32_t batch = row / (uint32_t)wy->output;
        int32_t y, x;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &taps.y_from, &taps.y_to);
        y += (int32_t)batch * wy->input;
        for (int32_t column = 0; column < wx->output; column++, output += channels) {
            tflm_window_taps(wx, column, &x, &taps.x_from, &taps.x_to);
            taps.input = input + ((ptrdiff_t)y * wx->input + x) * depth;
            taps.padded = taps.y_to - taps.y_from < wy->taps || taps.x_to - taps.x_from < wx->taps;
            position(self, &stage, &taps, output);
        }
    }
}
