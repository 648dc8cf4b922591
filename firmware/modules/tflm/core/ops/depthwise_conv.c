// SPDX-License-Identifier: Apache-2.0
#include "dense.h"
#include "window.h"

#if defined(TFLM_HELIUM)
#include "helium.h"
#elif defined(TFLM_DSP)
#include "dsp.h"
#endif

// Channels that are summed up side by side: as many sums as registers hold.
#if defined(TFLM_HELIUM) || UINTPTR_MAX > UINT32_MAX
enum { BLOCK = 8 };
#else
enum { BLOCK = 4 };
#endif
enum { MAX_TAPS = 1 << 16 };

typedef struct {
    uint32_t input, weights, output_place; // Places.
    tflm_window_t y, x;
    uint32_t depth; // Channels of the input.
    uint32_t multiplier;
    int32_t input_offset;
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
    self->input_offset = -input.zero_point;
    self->output.channels = channels;
    self->output.scales = weights.scales;
    self->output.low = low;
    self->output.high = high;
    return tflm_stage_init(node, &input, &weights, &output, bias_at, false, &self->output,
                           self + 1);
}

// The taps that meet the input at one output position.
typedef struct {
    const int8_t *input, *weights; // At the first of them.
    int32_t rows, columns;
    ptrdiff_t input_row, input_column; // Steps in bytes.
    ptrdiff_t weight_row, weight_column;
    int32_t offset; // Added to inputs.
} taps_t;

// Sums up BLOCK neighbouring channels, which come from as many input channels or (`shared`) from
// one. The zero point is not folded into the biases here: then taps off the input would count.
#if defined(TFLM_HELIUM)

static inline __attribute__((always_inline)) void
sum_block(const taps_t *taps, const int8_t *x, const int8_t *w, const bool shared, int32_t *sum) {
    // The products of even channels, and of odd ones.
    int32x4x2_t sums = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    for (int32_t i = 0; i < taps->rows; i++) {
        const int8_t *xj = x + i * taps->input_row, *wj = w + i * taps->weight_row;
        for (int32_t j = taps->columns; j > 0; j--) {
            int16x8_t value = shared ? vdupq_n_s16(*xj) : vldrbq_s16(xj);
            int16x8_t weight = vldrbq_s16(wj);
            value = vaddq_n_s16(value, (int16_t)taps->offset);
            sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(value, weight));
            sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(value, weight));
            xj += taps->input_column;
            wj += taps->weight_column;
        }
    }
    vst2q_s32(sum, sums);
}

#elif defined(TFLM_DSP)

static inline __attribute__((always_inline)) void
sum_block(const taps_t *taps, const int8_t *x, const int8_t *w, const bool shared, int32_t *sum) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    uint32_t offsets = (uint16_t)taps->offset * 0x10001u;
    for (int32_t i = 0; i < taps->rows; i++) {
        const int8_t *xj = x + i * taps->input_row, *wj = w + i * taps->weight_row;
        for (int32_t j = taps->columns; j > 0; j--) {
            pairs_t weight = tflm_pairs(tflm_word(wj));
            pairs_t value;
            if (shared) {
                value.even = value.odd = (uint16_t)(*xj + taps->offset) * 0x10001u;
            } else {
                value = tflm_pairs_plus(tflm_word(xj), offsets);
            }
            __asm__("smlabb %0, %1, %2, %0" : "+r"(sum0) : "r"(value.even), "r"(weight.even));
            __asm__("smlabb %0, %1, %2, %0" : "+r"(sum1) : "r"(value.odd), "r"(weight.odd));
            __asm__("smlatt %0, %1, %2, %0" : "+r"(sum2) : "r"(value.even), "r"(weight.even));
            __asm__("smlatt %0, %1, %2, %0" : "+r"(sum3) : "r"(value.odd), "r"(weight.odd));
            xj += taps->input_column;
            wj += taps->weight_column;
        }
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

#else

static inline __attribute__((always_inline)) void
sum_block(const taps_t *taps, const int8_t *x, const int8_t *w, const bool shared, int32_t *sum) {
    int32_t acc[BLOCK];
    for (int k = 0; k < BLOCK; k++) {
        acc[k] = 0;
    }
    for (int32_t i = 0; i < taps->rows; i++) {
        const int8_t *xj = x + i * taps->input_row, *wj = w + i * taps->weight_row;
        for (int32_t j = taps->columns; j > 0; j--) {
            for (int k = 0; k < BLOCK; k++) {
                acc[k] += (xj[shared ? 0 : k] + taps->offset) * wj[k];
            }
            xj += taps->input_column;
            wj += taps->weight_column;
        }
    }
    for (int k = 0; k < BLOCK; k++) {
        sum[k] = acc[k];
    }
}

#endif

static uint32_t sum_one(const taps_t *taps, const int8_t *x, const int8_t *w) {
    int32_t sum = 0;
    for (int32_t i = 0; i < taps->rows; i++) {
        for (int32_t j = 0; j < taps->columns; j++) {
            int32_t value = x[i * taps->input_row + j * taps->input_column] + taps->offset;
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
            const int8_t *w = taps->weights + channel;
            int32_t sum[BLOCK];
            if (multiplier == 1) {
                sum_block(taps, taps->input + channel, w, false, sum);
            } else {
                sum_block(taps, taps->input + channel / multiplier, w, true, sum);
            }
            tflm_finish_block(stage, channel, BLOCK, sum, output);
        }
    }
    for (; channel < channels; channel++) {
        uint32_t sum = sum_one(taps, taps->input + channel / multiplier, taps->weights + channel);
        sum += (uint32_t)stage->bias[channel];
        output[channel] = tflm_finish(stage, channel, sum);
    }
}

TFLM_EVAL(depthwise_conv) {
    const depthwise_t *self = data;
    tflm_stage_t stage = tflm_stage(&self->output, self + 1);
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    uint32_t channels = self->output.channels;
    int8_t *output =
        (int8_t *)tflm_at(run, self->output_place) + (size_t)from * (size_t)wx->output * channels;
    ptrdiff_t depth = (ptrdiff_t)self->depth;
    taps_t taps;
    taps.input_row = wy->dilation * wx->input * depth;
    taps.input_column = wx->dilation * depth;
    taps.weight_row = wx->taps * (ptrdiff_t)channels;
    taps.weight_column = (ptrdiff_t)channels;
    taps.offset = self->input_offset;
    // A filter one tap wide is taken for one row: the inner loop is the cheaper one.
    bool tall = wx->taps == 1;
    if (tall) {
        taps.input_column = taps.input_row;
        taps.weight_column = taps.weight_row;
    }
    for (uint32_t row = from; row < to; row++) {
        uint32_t batch = row / (uint32_t)wy->output;
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)batch * wy->input + y_from * wy->dilation;
        for (int32_t column = 0; column < wx->output; column++, output += channels) {
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            x += x_from * wx->dilation;
            taps.rows = y_to - y_from;
            taps.columns = x_to - x_from;
            taps.input = input + ((ptrdiff_t)y * wx->input + x) * depth;
            taps.weights = weights + (y_from * wx->taps + x_from) * (ptrdiff_t)channels;
            if (tall && taps.columns) {
                taps.columns = taps.rows;
                taps.rows = 1;
            }
            position(self, &stage, &taps, output);
        }
    }
}
