// SPDX-License-Identifier: Apache-2.0
// DEPTHWISE_CONV_2D of int8.
#include "depthwise.h"

enum { MAX_TAPS = 1 << 15 };

// If taps outside of the input see its zero point, it is folded into the biases.
#ifdef TFLM_XTENSA
enum { FOLD = TFLM_FOLD };
#else
enum { FOLD = 0 };
#endif

TFLM_PREPARE(depthwise_conv) {
    tflm_tensor_t t[3];
    tflm_patches_t patches;
    TRY(tflm_get_tensors(node, "qa?q", t));
    TRY(tflm_patches_init(node, t, true, &patches));
    uint32_t taps = t[1].elements / patches.channels;
    uint32_t multiplier = patches.channels / patches.depth;
    // Sums of so many products stay within 30 bits.
    if (taps > MAX_TAPS) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%u taps", taps);
    }
    // Channels that are not summed side by side.
    uint32_t alone = patches.channels % (multiplier > 1 && multiplier % 8 ? UINT32_MAX : 8);
    node->cost = (uint32_t)patches.x.output *
                 (tflm_dense_cost(patches.channels, taps) + (uint64_t)(alone * taps) * 8);
    void *made;
    TRY(tflm_dense_new(node, t, TFLM_LAST_AXIS | FOLD, 4, 4, sizeof(depthwise_t), &made));
    depthwise_t *self = made;
    if (self) {
        self->y = patches.y;
        self->x = patches.x;
        self->depth = patches.depth;
        self->multiplier = multiplier;
        self->input_offset = -t[0].zero_point;
    }
    return TFLM_OK;
}

#ifndef TFLM_XTENSA // Xtensa cores have their own eval.

TFLM_EVAL(depthwise_conv) {
    const depthwise_t *self = data;
    tflm_stage_t stage = tflm_stage(run, &self->output, self->bias);
    const tflm_window_t wx = self->x, wy = self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    uint32_t channels = self->output.channels, multiplier = self->multiplier;
    int8_t *output =
        (int8_t *)tflm_at(run, self->output_place) + (size_t)from * (size_t)wx.output * channels;
    ptrdiff_t depth = (ptrdiff_t)self->depth;
    tflm_depthwise_taps_t taps;
    // These wrap around only if no two rows, or columns, of taps lie within the input.
    taps.input_row = (ptrdiff_t)((size_t)wy.dilation * (size_t)wx.input * (size_t)depth);
    taps.input_column = (ptrdiff_t)((size_t)wx.dilation * (size_t)depth);
    taps.weight_row = wx.taps * (ptrdiff_t)channels;
    taps.weight_column = (ptrdiff_t)channels;
    taps.step = wx.stride * depth;
    taps.offset = self->input_offset;
    taps.period = channels;
    const bool runs =
        TFLM_DEPTHWISE_RUNS && multiplier == 1 && wx.stride == 1 && channels <= TFLM_SUMS;
    // The last column at which all taps lie within the input.
    int32_t last = (wx.input - 1 - (wx.taps - 1) * wx.dilation + wx.padding) / wx.stride;
    last = last < wx.output ? last : wx.output - 1;
    // Rows and columns are swapped if there are few columns: the inner loop is the cheaper one.
    tflm_depthwise_taps_t turned = taps;
    turned.input_row = taps.input_column;
    turned.input_column = taps.input_row;
    turned.weight_row = taps.weight_column;
    turned.weight_column = taps.weight_row;
    for (uint32_t row = from; row < to; row++) {
        uint32_t batch = row / (uint32_t)wy.output;
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(&wy, (int32_t)(row % (uint32_t)wy.output), &y, &y_from, &y_to);
        y += (int32_t)batch * wy.input + y_from * wy.dilation;
        const int8_t *input_row = input + (ptrdiff_t)y * wx.input * depth;
        const int8_t *weight_row = weights + y_from * wx.taps * (ptrdiff_t)channels;
        int32_t sum[TFLM_SUMS + TFLM_DEPTHWISE_ROOM];
        uint32_t sums = 0; // Of whole positions that are not finished yet.
        for (int32_t column = 0; column < wx.output;) {
            tflm_window_taps(&wx, column, &x, &x_from, &x_to);
            int32_t rows = y_to - y_from, columns = x_to - x_from;
            bool turn = columns < 3 && rows > columns;
            tflm_depthwise_taps_t *met = turn ? &turned : &taps;
            met->rows = turn ? columns : rows;
            met->columns = turn ? rows : columns;
            met->input = input_row + (x + x_from * wx.dilation) * depth;
            met->weights = weight_row + x_from * (ptrdiff_t)channels;
            // Positions at which all taps lie within the input differ only in where they are.
            uint32_t positions = 1;
            if (x >= 0 && column < last && channels <= TFLM_SUMS) {
                uint32_t room = (TFLM_SUMS - sums) / channels;
                positions = (uint32_t)(last - column) + 1;
                positions = positions < room ? positions : room;
            }
            column += (int32_t)positions;
            for (uint32_t channel = 0; channel < channels; channel += TFLM_SUMS) {
                uint32_t left = channels - channel, count = left < TFLM_SUMS ? left : TFLM_SUMS;
                uint32_t all = count * positions;
                tflm_depthwise_sums(met, multiplier, channel, runs ? all : count,
                                    runs ? 1 : positions, sum + sums);
                sums += all;
                if (sums + channels > TFLM_SUMS || column == wx.output) {
                    tflm_finish_all(&stage, channel, count, sums, sum, output);
                    output += sums;
                    sums = 0;
                }
            }
        }
    }
}

#endif
