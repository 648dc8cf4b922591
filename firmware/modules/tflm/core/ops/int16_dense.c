// SPDX-License-Identifier: Apache-2.0
// CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED of int16 with int8 weights. Sums
// have 64 bits, but those of CONV_2D with an int32 bias have 32.
#include "dense.h"
#include "int16.h"
#include "patches.h"

typedef struct {
    uint32_t input, weights, bias, patch, output; // Places; there may be no bias.
    uint32_t in_place;      // A filter's inputs are contiguous: they need not be copied to a patch.
    uint32_t bias_bytes;    // Of each bias.
    uint32_t wide;          // Sums have 64 bits.
    uint32_t quick;         // Sums fit 32 bits, and all shifts are to the right: tflm_int16_finish.
    uint32_t depth, units;  // Of FULLY_CONNECTED.
    tflm_patches_t patches; // Of the others.
    tflm_output_t stage;
} dense_t;

// Sums that are finished together.
enum { SUMS = 32 };

typedef struct {
    tflm_tensor_t tensors[3]; // Input, weights, output.
    uint32_t input, bias;     // Their numbers among the node's inputs.
    uint32_t channels;
    uint32_t bias_bytes;
    bool wide;
    int32_t low, high;
} setup_t;

tflm_status_t tflm_get_wide_bias(tflm_node_t *node, uint32_t index, uint32_t channels,
                                 tflm_type_t narrow, uint32_t *bias_bytes) {
    *bias_bytes = 0;
    if (tflm_node_input(node, index) == TFLM_NO_TENSOR) {
        return TFLM_OK;
    }
    tflm_tensor_t bias;
    TRY(tflm_get_input(node, index, &bias));
    if (!bias.data_at || (bias.type != TFLM_INT64 && bias.type != narrow) ||
        bias.elements != channels) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "a bias of %u %s", bias.elements,
                              tflm_type_name(bias.type));
    }
    *bias_bytes = tflm_type_bytes(bias.type);
    return TFLM_OK;
}

// `narrow` is the type that a bias may have besides int64.
static tflm_status_t get_setup(tflm_node_t *node, uint32_t axis, unsigned activation,
                               tflm_type_t narrow, setup_t *setup) {
    uint32_t transposed = node->kernel->flags / TFLM_LATE_INPUT;
    TRY(tflm_expect(node, 2 + transposed, 3 + transposed, 1));
    setup->input = 2 * transposed;
    setup->bias = 2 + transposed;
    tflm_tensor_t *t = setup->tensors;
    TRY(tflm_get_input(node, setup->input, &t[0]));
    TRY(tflm_get_input(node, 1, &t[1]));
    TRY(tflm_get_output(node, 0, &t[2]));
    TRY(tflm_expect_int16(node, &t[0]));
    TRY(tflm_expect_int16(node, &t[2]));
    setup->channels = (uint32_t)t[1].dims[axis];
    TRY(tflm_expect_weights(node, &t[1], setup->channels, (int32_t)axis));
    TRY(tflm_activation_range(node, fb_field_u8(&node->load->fb, node->options, activation, 0),
                              &t[2], &setup->low, &setup->high));
    TRY(tflm_get_wide_bias(node, setup->bias, setup->channels, narrow, &setup->bias_bytes));
    setup->wide = setup->bias_bytes != sizeof(int32_t);
    return TFLM_OK;
}

// Returns bias `i`, extended to 64 bits.
static uint64_t bias_of(const uint8_t *bias, uint32_t bias_bytes, uint32_t i) {
    const uint8_t *at = bias + (size_t)i * bias_bytes;
    return bias_bytes == sizeof(int64_t)   ? tflm_load_u64(at)
           : bias_bytes == sizeof(int32_t) ? tflm_load_u32(at)
                                           : (uint64_t)(int64_t)tflm_int16(at, 0);
}

static tflm_status_t dense_new(tflm_node_t *node, const setup_t *setup, bool single_precision,
                               dense_t **made) {
    const tflm_tensor_t *t = setup->tensors;
    dense_t *self = tflm_node_data(
        node, 5, sizeof *self + tflm_stage_bytes(setup->channels, t[1].scales, false));
    *made = self;
    if (!self) {
        return TFLM_OK;
    }
    self->input = tflm_node_input(node, setup->input);
    self->weights = tflm_node_input(node, 1);
    self->bias = tflm_node_input(node, setup->bias);
    self->patch = self->input;
    self->output = tflm_node_output(node, 0);
    self->bias_bytes = setup->bias_bytes;
    self->wide = setup->wide;
    self->stage.channels = setup->channels;
    self->stage.scales = t[1].scales;
    self->stage.low = setup->low;
    self->stage.high = setup->high;
    TRY(tflm_stage_init(node, &t[0], &t[1], &t[2], single_precision, &self->stage));
    tflm_stage_t stage = tflm_stage(NULL, &self->stage, TFLM_PLACE_NONE);
    self->quick = setup->wide && t[1].elements / setup->channels <= TFLM_INT16_PRODUCTS;
    if (setup->bias_bytes) {
        tflm_tensor_t bias;
        TRY(tflm_get_input(node, setup->bias, &bias));
        for (uint32_t i = 0; i < setup->channels; i++) {
            const uint8_t *at = node->load->fb.data + bias.data_at;
            int64_t one = (int64_t)bias_of(at, setup->bias_bytes, i);
            self->quick &= one > -TFLM_INT16_BIAS && one < TFLM_INT16_BIAS;
        }
    }
    for (uint32_t i = 0; i < t[1].scales; i++) {
        self->quick &= stage.shift[i] < -1;
        if (stage.shift[i] > TFLM_SHIFT_64) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "scales too far apart");
        }
    }
    return TFLM_OK;
}

// What an eval needs.
typedef struct {
    const dense_t *self;
    tflm_stage_t stage;
    const uint8_t *input, *weights, *bias;
    int16_t *output;
} view_t;

static view_t view_of(const tflm_run_t *run, const dense_t *self) {
    view_t view = {self,
                   tflm_stage(run, &self->stage, TFLM_PLACE_NONE),
                   tflm_at(run, self->input),
                   tflm_at(run, self->weights),
                   NULL,
                   (int16_t *)(void *)tflm_at(run, self->output)};
    if (self->bias_bytes) {
        view.bias = tflm_at(run, self->bias);
    }
    return view;
}

// Finishes `count` channels. Sums wrap around, in 32 or 64 bits.
static void finish(const view_t *given, uint32_t channel, uint32_t count, size_t output,
                   const uint64_t *sum) {
    const view_t view = *given;
    uint32_t bias_bytes = view.bias ? view.self->bias_bytes : 0;
    bool wide = view.self->wide;
    int16_t *to = view.output + output;
    for (uint32_t end = channel + count; channel < end; channel++) {
        uint32_t scale = channel & view.stage.scale_mask;
        int32_t multiplier = view.stage.multiplier[scale];
        int shift = view.stage.shift[scale];
        uint64_t biased = *sum++ + (bias_bytes ? bias_of(view.bias, bias_bytes, channel) : 0);
        int32_t value = wide ? tflm_scale_apply_64(biased, multiplier, shift)
                             : tflm_scale_apply((int32_t)(uint32_t)biased, multiplier, shift);
        *to++ = (int16_t)tflm_clamp(value, view.stage.low, view.stage.high);
    }
}

// The same for 32-bit sums, if `quick` is set.
static void finish_quick(const view_t *view, uint32_t channel, uint32_t count, size_t output,
                         int32_t *sum) {
    tflm_int16_finish(&view->stage, view->bias, channel, count, sum, view->output + output);
}

TFLM_PREPARE(int16_fully_connected) {
    setup_t setup;
    TRY(get_setup(node, 0, 0, TFLM_INT64, &setup));
    const tflm_tensor_t *t = setup.tensors;
    uint32_t depth = (uint32_t)t[1].dims[1], units = (uint32_t)t[1].dims[0];
    uint32_t batches = t[1].rank == 2 ? t[0].elements / depth : 0;
    if (t[1].rank != 2 || batches * (uint64_t)depth != t[0].elements ||
        batches * (uint64_t)units != t[2].elements) {
        return tflm_unfit(node);
    }
    node->rows = t[2].elements;
    node->macs = (uint64_t)t[2].elements * depth;
    node->cost = 64 + 6 * (uint64_t)depth;
    dense_t *self;
    TRY(dense_new(node, &setup, true, &self));
    if (self) {
        self->depth = depth;
        self->units = units;
    }
    return TFLM_OK;
}

// Sums and finishes `count` channels from `channel` on.
static void dense(const view_t *view, const uint8_t *x, uint32_t n, uint32_t channel,
                  uint32_t count, size_t output) {
    bool quick = view->self->quick && !((uintptr_t)x % sizeof(int16_t));
    while (count) {
        uint32_t some = count < SUMS ? count : SUMS;
        const uint8_t *w = view->weights + (size_t)channel * n;
        if (quick) {
            int32_t sum[SUMS];
            tflm_int16_sums((const int16_t *)(const void *)x, (const int8_t *)w, n, n, some, sum);
            finish_quick(view, channel, some, output, sum);
        } else {
            uint64_t sum[SUMS];
            tflm_int16_dense(x, w, n, some, sum);
            finish(view, channel, some, output, sum);
        }
        channel += some;
        output += some;
        count -= some;
    }
}

TFLM_EVAL(int16_fully_connected) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    while (from < to) {
        uint32_t unit = from % self->units, left = self->units - unit;
        left = left < to - from ? left : to - from;
        const uint8_t *x =
            view.input + (size_t)(from / self->units) * self->depth * sizeof(int16_t);
        dense(&view, x, self->depth, unit, left, from);
        from += left;
    }
}

static tflm_status_t conv_new(tflm_node_t *node, const setup_t *setup,
                              const tflm_patches_t *patches, bool patched) {
    bool in_place = !patched || tflm_patches_are_contiguous(patches);
    uint32_t patch = tflm_node_input(node, setup->input);
    if (!in_place) {
        uint32_t filter = setup->tensors[1].elements / setup->channels;
        patch = tflm_scratch(node, filter * 2ull);
    }
    dense_t *self;
    TRY(dense_new(node, setup, false, &self));
    if (self) {
        self->patches = *patches;
        self->patch = patch;
        self->in_place = in_place;
    }
    return TFLM_OK;
}

static tflm_status_t conv_prepare(tflm_node_t *node, bool depthwise) {
    setup_t setup;
    TRY(get_setup(node, depthwise ? 3 : 0, depthwise ? 4 : 3, depthwise ? TFLM_INT64 : TFLM_INT32,
                  &setup));
    tflm_patches_t patches;
    TRY(tflm_patches_init(node, setup.tensors, depthwise, &patches));
    uint64_t taps = (uint64_t)patches.y.taps * (uint64_t)patches.x.taps;
    tflm_patches_set_cost(node, &patches, taps, &setup.tensors[2]);
    return conv_new(node, &setup, &patches, !depthwise);
}

TFLM_PREPARE(int16_conv) {
    return conv_prepare(node, false);
}

TFLM_PREPARE(int16_depthwise_conv) {
    return conv_prepare(node, true);
}

static void each(void *context, const tflm_patch_t *patch, uint32_t channel, size_t output) {
    const view_t *view = context;
    uint64_t sum = 0;
    for (int32_t i = 0; i < patch->rows; i++) {
        const uint8_t *x = patch->input + i * patch->input_row;
        size_t at = patch->weights + (size_t)i * (size_t)patch->weight_row;
        const uint8_t *w = view->weights + at;
        for (int32_t j = 0; j < patch->columns; j++) {
            sum += tflm_int16_dot(x, w, patch->run);
            x += patch->input_column;
            w += patch->weight_column;
        }
    }
    finish(view, channel, 1, output, &sum);
}

TFLM_EVAL(int16_conv) {
    const dense_t *self = data;
    const tflm_patches_t *patches = &self->patches;
    const tflm_window_t *wx = &patches->x, *wy = &patches->y;
    view_t view = view_of(run, self);
    uint8_t *patch = tflm_at(run, self->patch);
    uint32_t channels = patches->channels, group_depth = patches->group_depth;
    uint32_t group_channels = channels / (patches->depth / group_depth);
    uint32_t n = (uint32_t)(wy->taps * wx->taps) * group_depth;
    size_t position_bytes = patches->depth * sizeof(int16_t);
    for (uint32_t position = from; position < to; position++) {
        uint32_t row = position / (uint32_t)wx->output;
        int32_t x = (int32_t)(position % (uint32_t)wx->output);
        int32_t y = (int32_t)(row % (uint32_t)wy->output);
        const uint8_t *input = view.input + (size_t)(row / (uint32_t)wy->output) *
                                                (size_t)(wy->input * wx->input) * position_bytes;
        for (uint32_t channel = 0; channel < channels; channel += group_channels) {
            const uint8_t *met = patch;
            if (self->in_place) {
                met =
                    input + (size_t)(y * wy->stride * wx->input + x * wx->stride) * position_bytes;
            } else {
                tflm_fill_patch(patches, sizeof(int16_t), 0, input, y, x, patch);
            }
            dense(&view, met, n, channel, group_channels, (size_t)position * channels + channel);
            input += group_depth * sizeof(int16_t);
        }
    }
}

// Computes up to SUMS channels at once, each from one channel of the input.
static void each_together(void *context, const tflm_patch_t *patch, uint32_t channel,
                          size_t output) {
    const view_t *view = context;
    int32_t sum[SUMS];
    uint32_t count = view->self->patches.channels - channel;
    count = count < SUMS ? count : SUMS;
    tflm_int16_depthwise(patch, view->weights + patch->weights, count, sum);
    finish_quick(view, channel, count, output, sum);
}

TFLM_EVAL(int16_depthwise_conv) {
    const dense_t *self = data;
    const tflm_patches_t *patches = &self->patches;
    view_t view = view_of(run, self);
    bool together = self->quick && patches->depth == patches->channels;
    tflm_patches_walk(patches, view.input, sizeof(int16_t), from, to, together ? SUMS : 1,
                      together ? each_together : each, &view);
}

TFLM_PREPARE(int16_transpose_conv) {
    setup_t setup;
    TRY(get_setup(node, 0, 3, TFLM_INT16, &setup));
    tflm_patches_t patches;
    TRY(tflm_patches_init_transposed(node, setup.tensors, &patches));
    return conv_new(node, &setup, &patches, false);
}

TFLM_EVAL(int16_transpose_conv) {
    const dense_t *self = data;
    view_t view = view_of(run, self);
    tflm_patches_walk_transposed(&self->patches, view.input, sizeof(int16_t), from, to, 1, each,
                                 &view);
}
