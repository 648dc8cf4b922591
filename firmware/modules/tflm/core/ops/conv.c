// SPDX-License-Identifier: Apache-2.0
#include "dense.h"
#include "patches.h"

// What part of an inference cannot be interrupted: some 100,000 instructions on a Cortex-M4,
// 500,000 on Xtensa cores, which have a faster clock.
#ifdef TFLM_XTENSA
enum { PART_COST = 250000 };
#else
enum { PART_COST = 60000 };
#endif

typedef struct {
    uint32_t input, weights, patch, output_place; // Places.
    tflm_patches_t patches;
    int32_t zero_point;    // What taps off the input meet.
    uint32_t filter_bytes; // Of one output channel.
    int32_t columns;       // So many positions of a row of outputs, or what is left, are one part.
    uint32_t in_place;     // What a filter meets is contiguous: it need not be copied to a patch.
    tflm_output_t output;
} conv_t;

// Into how many positions a row is divided whose positions cost so much each. By as many as
// are taken together, where that is about right.
static int32_t columns_of_part(int32_t columns, uint64_t cost) {
    uint32_t most = cost > PART_COST ? 0 : PART_COST / (uint32_t)cost;
#ifndef TFLM_XTENSA
    if (most + 1 >= TFLM_POSITIONS) {
        most = (most + 1) / TFLM_POSITIONS * TFLM_POSITIONS;
    }
#endif
    return most > (uint32_t)columns ? columns : most ? (int32_t)most : 1;
}

TFLM_PREPARE(conv) {
    tflm_tensor_t t[3];
    tflm_patches_t patches;
    TRY(tflm_get_tensors(node, "qa?q", t));
    TRY(tflm_patches_init(node, t, false, &patches));
    uint32_t filter_bytes = t[1].elements / patches.channels;
    uint64_t cost = tflm_dense_cost(patches.channels, filter_bytes);
    int32_t columns = columns_of_part(patches.x.output, cost);
    node->rows *= (uint32_t)((patches.x.output + columns - 1) / columns);
    node->cost = (uint32_t)columns * cost;
    bool in_place = tflm_patches_are_contiguous(&patches);
    uint32_t patch = in_place ? tflm_node_input(node, 0) : tflm_scratch(node, filter_bytes);
    void *made;
    TRY(tflm_dense_new(node, t, TFLM_FOLD, 3, 4, sizeof(conv_t), &made));
    conv_t *self = made;
    if (self) {
        self->patch = patch;
        self->patches = patches;
        self->zero_point = t[0].zero_point;
        self->filter_bytes = filter_bytes;
        self->columns = columns;
        self->in_place = in_place;
    }
    return TFLM_OK;
}

TFLM_EVAL(conv) {
    const conv_t *self = data;
    const tflm_window_t *wx = &self->patches.x, *wy = &self->patches.y;
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    uint32_t channels = self->output.channels, filter_bytes = self->filter_bytes;
    uint32_t group_depth = self->patches.group_depth;
    uint32_t group_channels = channels / (self->patches.depth / group_depth);
    size_t row_bytes = (size_t)wx->input * self->patches.depth;
    int8_t *outputs = (int8_t *)tflm_at(run, self->output_place);
    int8_t *patch = (int8_t *)tflm_at(run, self->patch);
    uint32_t parts = (uint32_t)((wx->output + self->columns - 1) / self->columns);
#ifdef TFLM_XTENSA
    int16_t widened[TFLM_WIDENED + TFLM_WIDENED_AHEAD] __attribute__((aligned(4)));
#endif
#ifndef TFLM_XTENSA
    const tflm_stage_t stage = tflm_stage(&self->output, self + 1);
#endif
    for (uint32_t part = from; part < to; part++) {
        uint32_t row = part / parts;
        uint32_t batch = row / (uint32_t)wy->output, y = row % (uint32_t)wy->output;
        int32_t x = (int32_t)(part % parts) * self->columns;
        int32_t end = wx->output - x < self->columns ? wx->output : x + self->columns;
        int8_t *output = outputs + ((size_t)row * (size_t)wx->output + (size_t)x) * channels;
        const int8_t *input = (const int8_t *)tflm_at(run, self->input) +
                              (size_t)batch * (size_t)wy->input * row_bytes;
        const int8_t *met = input + y * (size_t)wy->stride * row_bytes +
                            (size_t)x * (size_t)wx->stride * self->patches.depth;
#ifdef TFLM_XTENSA
        int32_t most = (int32_t)tflm_widened_positions(filter_bytes);
        for (int32_t count; x < end; x += count) {
            count = end - x < most ? end - x : most;
            for (uint32_t channel = 0; channel < channels; channel += group_channels) {
                const int8_t *values = patch;
                for (int32_t i = 0; i < count; i++) {
                    if (self->in_place) {
                        values = met + (size_t)i * (size_t)wx->stride * self->patches.depth;
                    } else {
                        tflm_fill_patch(&self->patches, 1, self->zero_point, (const uint8_t *)input,
                                        (int32_t)y, x + i, (uint8_t *)patch);
                    }
                    tflm_widen(values, filter_bytes, (uint32_t)i, widened);
                }
                tflm_dense_widened(&self->output, values, widened, (uint32_t)count, weights,
                                   filter_bytes, channel, channel + group_channels, output,
                                   channels);
                input += group_depth;
                met += group_depth;
            }
            input -= self->patches.depth;
            met += (size_t)count * (size_t)wx->stride * self->patches.depth - self->patches.depth;
            output += (uint32_t)count * channels;
        }
#else
        int32_t sum[TFLM_SUMS];
        uint32_t sums = 0; // Of whole positions, not finished yet.
#ifdef TFLM_DSP
        for (; self->in_place && group_depth == self->patches.depth && x + TFLM_POSITIONS <= end;
             x += TFLM_POSITIONS) {
            ptrdiff_t step = (ptrdiff_t)wx->stride * (ptrdiff_t)self->patches.depth;
            for (uint32_t channel = 0; channel < channels; channel += TFLM_SUMS / TFLM_POSITIONS) {
                uint32_t left = channels - channel;
                uint32_t count =
                    left < TFLM_SUMS / TFLM_POSITIONS ? left : TFLM_SUMS / TFLM_POSITIONS;
                tflm_dense_positions(met, step, weights + (size_t)channel * filter_bytes,
                                     filter_bytes, count, sum);
                for (uint32_t i = 0; i < TFLM_POSITIONS; i++) {
                    tflm_finish_all(&stage, channel, count, count, sum + i * count,
                                    output + i * channels + channel);
                }
            }
            output += TFLM_POSITIONS * channels;
            met += TFLM_POSITIONS * step;
        }
#endif
        for (; x < end; x++) {
            uint32_t depth = 0;
            for (uint32_t channel = 0; channel < channels; channel += group_channels) {
                const int8_t *values = met + depth;
                if (!self->in_place) {
                    tflm_fill_patch(&self->patches, 1, self->zero_point,
                                    (const uint8_t *)input + depth, (int32_t)y, x,
                                    (uint8_t *)patch);
                    values = patch;
                }
                if (channels <= TFLM_SUMS) {
                    const int8_t *w = weights + (size_t)channel * filter_bytes;
                    tflm_dense(values, w, filter_bytes, filter_bytes, group_channels, sum + sums);
                    sums += group_channels;
                } else {
                    tflm_dense_all(&self->output, values, weights, filter_bytes, channel,
                                   channel + group_channels, output);
                }
                depth += group_depth;
            }
            met += (size_t)wx->stride * self->patches.depth;
            if (channels > TFLM_SUMS) {
                output += channels;
            } else if (sums + channels > TFLM_SUMS || x + 1 == end) {
                tflm_finish_all(&stage, 0, channels, sums, sum, output);
                output += sums;
                sums = 0;
            }
        }
#endif
    }
}
