// SPDX-License-Identifier: Apache-2.0
#include "dense.h"
#include "window.h"

typedef struct {
    uint32_t input, weights, output_place; // Places.
    tflm_window_t y, x;
    uint32_t depth;        // Channels of the input.
    uint32_t group_depth;  // Of these, what one filter sees.
    int32_t input_offset;  // When padded: taps off the input then count as nothing.
    uint32_t padded;       // Biases are raw, and input_offset is added to each element.
    uint32_t filter_bytes; // Of one output channel.
    tflm_output_t output;
} conv_t;

TFLM_PREPARE(conv) {
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
        input.dims[0] != output.dims[0] || weights.dims[0] != output.dims[3] ||
        input.dims[3] % weights.dims[3] || output.dims[3] % (input.dims[3] / weights.dims[3])) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    uint32_t channels = (uint32_t)output.dims[3];
    tflm_window_t y = {.input = input.dims[1], .output = output.dims[1], .taps = weights.dims[1]};
    tflm_window_t x = {.input = input.dims[2], .output = output.dims[2], .taps = weights.dims[2]};
    uint8_t padding = fb_field_u8(fb, node->options, 0, 0);
    x.stride = fb_field_i32(fb, node->options, 1, 0);
    y.stride = fb_field_i32(fb, node->options, 2, 0);
    x.dilation = fb_field_i32(fb, node->options, 4, 1);
    y.dilation = fb_field_i32(fb, node->options, 5, 1);
    TRY(tflm_window_init(node, &y, padding));
    TRY(tflm_window_init(node, &x, padding));
    uint32_t bias_at;
    TRY(tflm_expect_weights(node, &weights, channels, 0));
    TRY(tflm_get_bias(node, 2, channels, &bias_at));
    int32_t low, high;
    TRY(tflm_activation_range(node, fb_field_u8(fb, node->options, 3, 0), &output, &low, &high));
    uint32_t filter_bytes = weights.elements / channels;
    tflm_window_overlap(node, &y, input.dims[0], input.bytes / (uint32_t)input.dims[1],
                        output.bytes / (uint32_t)output.dims[1]);
    node->rows = (uint32_t)(output.dims[0] * output.dims[1]);
    node->macs = (uint64_t)output.elements * filter_bytes;
    conv_t *self =
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
    self->group_depth = (uint32_t)weights.dims[3];
    self->input_offset = -input.zero_point;
    self->padded = tflm_window_is_padded(&y) || tflm_window_is_padded(&x);
    self->filter_bytes = filter_bytes;
    self->output.channels = channels;
    self->output.scales = weights.scales;
    self->output.low = low;
    self->output.high = high;
    TRY(tflm_stage_init(node, &input, &weights, &output, bias_at, false, &self->output, self + 1));
    int32_t *bias = (int32_t *)(self + 1);
    const int8_t *w = (const int8_t *)fb->data + weights.data_at;
    for (uint32_t i = 0; i < channels && !self->padded; i++) {
        uint32_t sum = 0;
        for (uint32_t j = 0; j < filter_bytes; j++) {
            sum += (uint32_t)*w++;
        }
        bias[i] = (int32_t)((uint32_t)bias[i] - (uint32_t)input.zero_point * sum);
    }
    return TFLM_OK;
}

// The part of a filter that meets the input at one output position: runs of bytes that are
// contiguous in both, `columns` of them in each of `rows`.
typedef struct {
    const int8_t *input, *weights;
    int32_t rows, columns;
    uint32_t run;
    ptrdiff_t input_row, input_column; // Steps in bytes.
    ptrdiff_t weight_row, weight_column;
    uint32_t filter_bytes;
    int32_t offset;
} patch_t;

static void patch_dot4(const patch_t *patch, const int8_t *weights, uint32_t *sum) {
    for (int32_t i = 0; i < patch->rows; i++) {
        const int8_t *x = patch->input + i * patch->input_row;
        const int8_t *w = weights + i * patch->weight_row;
        for (int32_t j = 0; j < patch->columns; j++) {
            if (patch->offset) {
                tflm_dot4_offset(x, patch->offset, w, patch->filter_bytes, patch->run, sum);
            } else {
                tflm_dot4(x, w, patch->filter_bytes, patch->run, sum);
            }
            x += patch->input_column;
            w += patch->weight_column;
        }
    }
}

static uint32_t patch_dot1(const patch_t *patch, const int8_t *weights) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < patch->rows; i++) {
        const int8_t *x = patch->input + i * patch->input_row;
        const int8_t *w = weights + i * patch->weight_row;
        for (int32_t j = 0; j < patch->columns; j++) {
            sum += tflm_dot1(x, patch->offset, w, patch->run);
            x += patch->input_column;
            w += patch->weight_column;
        }
    }
    return sum;
}

static void position(const tflm_stage_t *stage, const patch_t *patch, uint32_t from, uint32_t to,
                     int8_t *output) {
    uint32_t channel = from;
    // One run and no offset is what convolutions of one tap come to.
    bool simple = patch->rows == 1 && patch->columns == 1 && !patch->offset;
    for (; channel + 4 <= to; channel += 4) {
        const int8_t *weights = patch->weights + (size_t)channel * patch->filter_bytes;
        uint32_t sum[4];
        for (int i = 0; i < 4; i++) {
            sum[i] = (uint32_t)stage->bias[channel + i];
        }
        if (simple) {
            tflm_dot4(patch->input, weights, patch->filter_bytes, patch->run, sum);
        } else {
            patch_dot4(patch, weights, sum);
        }
        for (int i = 0; i < 4; i++) {
            output[channel + i] = tflm_finish(stage, channel + i, sum[i]);
        }
    }
    for (; channel < to; channel++) {
        const int8_t *weights = patch->weights + (size_t)channel * patch->filter_bytes;
        uint32_t sum = (uint32_t)stage->bias[channel] + patch_dot1(patch, weights);
        output[channel] = tflm_finish(stage, channel, sum);
    }
}

TFLM_EVAL(conv) {
    const conv_t *self = data;
    tflm_stage_t stage = tflm_stage(&self->output, self + 1);
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    uint32_t channels = self->output.channels;
    int8_t *output =
        (int8_t *)tflm_at(run, self->output_place) + (size_t)from * (size_t)wx->output * channels;
    uint32_t groups = self->depth / self->group_depth;
    uint32_t group_channels = channels / groups;
    ptrdiff_t depth = (ptrdiff_t)self->depth, group_depth = (ptrdiff_t)self->group_depth;
    // Neighbouring taps of a row are one run, unless something lies between them.
    bool joined = wx->dilation == 1 && groups == 1;
    patch_t patch;
    patch.input_row = wy->dilation * wx->input * depth;
    patch.input_column = wx->dilation * depth;
    patch.weight_row = wx->taps * group_depth;
    patch.weight_column = group_depth;
    patch.filter_bytes = self->filter_bytes;
    patch.offset = self->padded ? self->input_offset : 0;
    for (uint32_t row = from; row < to; row++) {
        uint32_t batch = row / (uint32_t)wy->output;
        int32_t y, y_from, y_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)batch * wy->input;
        for (int32_t column = 0; column < wx->output; column++, output += channels) {
            int32_t x, x_from, x_to;
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            patch.rows = y_to - y_from;
            patch.columns = joined ? x_from < x_to : x_to - x_from;
            patch.run = (uint32_t)(joined ? (x_to - x_from) * group_depth : group_depth);
            ptrdiff_t first =
                ((ptrdiff_t)(y + y_from * wy->dilation) * wx->input + x + x_from * wx->dilation) *
                depth;
            for (uint32_t group = 0; group < groups; group++) {
                patch.input = input + first + (ptrdiff_t)group * group_depth;
                patch.weights = weights + y_from * patch.weight_row + x_from * group_depth;
                position(&stage, &patch, group * group_channels, (group + 1) * group_channels,
                         output);
            }
        }
    }
}
