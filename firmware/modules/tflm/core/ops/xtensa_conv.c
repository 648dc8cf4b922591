// SPDX-License-Identifier: Apache-2.0
// CONV_2D of int8 on Xtensa cores: inputs of several positions are widened, and one filter after
// the other is applied to them; see xtensa.c.
#include "conv.h"
#include "xtensa.h"

#ifdef TFLM_XTENSA

void tflm_conv_part(const tflm_conv_part_t *part) {
    const conv_t *self = part->self;
    uint32_t channels = self->output.channels, filter_bytes = self->filter_bytes;
    uint32_t group_depth = self->patches.group_depth, group_channels = part->group_channels;
    size_t step = (size_t)self->patches.x.stride * self->patches.depth;
    int16_t widened[TFLM_WIDENED + TFLM_WIDENED_AHEAD] __attribute__((aligned(4)));
    int32_t most = (int32_t)tflm_widened_positions(filter_bytes);
    const int8_t *met = part->met;
    int8_t *output = part->output;
    for (int32_t x = part->x, count; x < part->end; x += count) {
        count = part->end - x < most ? part->end - x : most;
        uint32_t depth = 0;
        for (uint32_t channel = 0; channel < channels; channel += group_channels) {
            const int8_t *values = part->patch;
            for (int32_t i = 0; i < count; i++) {
                if (self->in_place) {
                    values = met + depth + (size_t)i * step;
                } else {
                    tflm_fill_patch(&self->patches, 1, self->zero_point,
                                    (const uint8_t *)part->input + depth, part->y, x + i,
                                    (uint8_t *)part->patch);
                }
                tflm_widen(values, filter_bytes, (uint32_t)i, widened);
            }
            tflm_dense_widened(&part->stage, values, widened, (uint32_t)count, part->weights,
                               filter_bytes, channel, channel + group_channels, output, channels);
            depth += group_depth;
        }
        met += (size_t)count * step;
        output += (uint32_t)count * channels;
    }
}

#endif
