// SPDX-License-Identifier: Apache-2.0
// CONV_2D of int8 position by position, on every core but Xtensa; see xtensa_conv.c for that.
#include "conv.h"

#ifndef TFLM_XTENSA

// Computes positions in groups of TFLM_POSITIONS while there are enough; returns how many.
static int32_t together(const tflm_conv_part_t *part) {
    const conv_t *self = part->self;
    uint32_t channels = self->output.channels, filter_bytes = self->filter_bytes;
    ptrdiff_t step = (ptrdiff_t)self->patches.x.stride * (ptrdiff_t)self->patches.depth;
    const int8_t *met = part->met;
    int8_t *output = part->output;
    int32_t x = part->x;
    int32_t sum[TFLM_SUMS];
    if (!self->in_place || part->group_channels != channels) {
        return 0;
    }
    for (; x + TFLM_POSITIONS <= part->end; x += TFLM_POSITIONS) {
        for (uint32_t channel = 0; channel < channels; channel += TFLM_SUMS / TFLM_POSITIONS) {
            uint32_t left = channels - channel;
            uint32_t count = left < TFLM_SUMS / TFLM_POSITIONS ? left : TFLM_SUMS / TFLM_POSITIONS;
            tflm_dense_positions(met, step, -self->zero_point,
                                 part->weights + (size_t)channel * filter_bytes, filter_bytes,
                                 count, sum);
            for (uint32_t i = 0; i < TFLM_POSITIONS; i++) {
                tflm_finish_all(&part->stage, channel, count, count, sum + i * count,
                                output + i * channels + channel);
            }
        }
        output += TFLM_POSITIONS * channels;
        met += TFLM_POSITIONS * step;
    }
    return x - part->x;
}

void tflm_conv_part(const tflm_conv_part_t *part) {
    const conv_t *self = part->self;
    const tflm_stage_t *stage = &part->stage;
    uint32_t channels = self->output.channels, filter_bytes = self->filter_bytes;
    uint32_t group_depth = self->patches.group_depth;
    size_t step = (size_t)self->patches.x.stride * self->patches.depth;
    int32_t sum[TFLM_SUMS];
    uint32_t sums = 0; // Of whole positions that are not finished yet.
    int32_t done = together(part);
    const int8_t *met = part->met + (size_t)done * step;
    int8_t *output = part->output + (size_t)done * channels;
    for (int32_t x = part->x + done; x < part->end; x++) {
        uint32_t depth = 0;
        for (uint32_t channel = 0; channel < channels; channel += part->group_channels) {
            const int8_t *values = met + depth;
            if (!self->in_place) {
                tflm_fill_patch(&self->patches, 1, self->zero_point,
                                (const uint8_t *)part->input + depth, part->y, x,
                                (uint8_t *)part->patch);
                values = part->patch;
            }
            if (channels <= TFLM_SUMS) {
                const int8_t *w = part->weights + (size_t)channel * filter_bytes;
                tflm_dense_plus(values, -self->zero_point, w, filter_bytes, filter_bytes,
                                part->group_channels, sum + sums);
                sums += part->group_channels;
            } else {
                tflm_dense_all(stage, values, -self->zero_point, part->weights, filter_bytes,
                               channel, channel + part->group_channels, output);
            }
            depth += group_depth;
        }
        met += step;
        if (channels > TFLM_SUMS) {
            output += channels;
        } else if (sums + channels > TFLM_SUMS || x + 1 == part->end) {
            tflm_finish_all(stage, 0, channels, sums, sum, output);
            output += sums;
            sums = 0;
        }
    }
}

#endif
