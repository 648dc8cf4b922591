// SPDX-License-Identifier: Apache-2.0
// Prepares convolutions: which products make up each output.
#include "patches.h"

tflm_status_t tflm_patches_init(tflm_node_t *node, const tflm_tensor_t *tensors, bool depthwise,
                                tflm_patches_t *patches) {
    const tflm_tensor_t *input = &tensors[0], *weights = &tensors[1], *output = &tensors[2];
    // The dilation is option 4, or 5.
    TRY(tflm_windows(node, input, output, weights, depthwise ? 5 : 4, &patches->y, &patches->x));
    uint32_t depth = (uint32_t)input->dims[3], channels = (uint32_t)output->dims[3];
    uint32_t group_depth = depthwise ? 1 : (uint32_t)weights->dims[3];
    bool fits =
        weights->rank == 4 && depth % group_depth == 0 && channels % (depth / group_depth) == 0 &&
        (depthwise
             ? weights->dims[0] == 1 && weights->dims[3] == output->dims[3] &&
                   channels / depth == (uint32_t)fb_field_i32(&node->load->fb, node->options, 3, 0)
             : weights->dims[0] == output->dims[3]);
    if (!fits) {
        return tflm_unfit(node);
    }
    tflm_slide(node, &patches->y, input, output);
    patches->depth = depth;
    patches->group_depth = group_depth;
    patches->channels = channels;
    patches->depthwise = depthwise;
    node->macs = (uint64_t)output->elements * (weights->elements / channels);
    return TFLM_OK;
}

void tflm_patches_set_cost(tflm_node_t *node, const tflm_patches_t *patches, uint64_t taps,
                           const tflm_tensor_t *output) {
    node->rows = output->elements / patches->channels;
    node->cost = patches->channels * (64 + taps * (28 + 8 * (uint64_t)patches->group_depth));
}

void tflm_patches_walk(const tflm_patches_t *patches, const uint8_t *input, uint32_t input_bytes,
                       uint32_t from, uint32_t to, uint32_t together, tflm_patch_each_t *each,
                       void *context) {
    const tflm_window_t *wx = &patches->x, *wy = &patches->y;
    uint32_t channels = patches->channels;
    uint32_t group_channels = channels / (patches->depth / patches->group_depth);
    size_t depth = (size_t)patches->depth * input_bytes;
    size_t group_depth = (size_t)patches->group_depth * input_bytes;
    size_t output = (size_t)from * channels;
    tflm_patch_t patch = {.run = patches->group_depth};
    // These wrap around only if there is one row, or one column.
    patch.input_row = (ptrdiff_t)((size_t)wy->dilation * (size_t)wx->input * depth);
    patch.input_column = (ptrdiff_t)((size_t)wx->dilation * depth);
    patch.weight_column = (ptrdiff_t)(patches->depthwise ? channels : patches->group_depth);
    patch.weight_row = wx->taps * patch.weight_column;
    size_t filter = patches->depthwise ? 1 : (size_t)(wy->taps * patch.weight_row);
    for (uint32_t position = from; position < to; position++) {
        uint32_t row = position / (uint32_t)wx->output;
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        tflm_window_taps(wx, (int32_t)(position % (uint32_t)wx->output), &x, &x_from, &x_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input + y_from * wy->dilation;
        x += x_from * wx->dilation;
        patch.rows = y_to - y_from;
        patch.columns = x_to - x_from;
        const uint8_t *first = input + ((ptrdiff_t)y * wx->input + x) * (ptrdiff_t)depth;
        size_t tap = (size_t)(y_from * patch.weight_row + x_from * patch.weight_column);
        for (uint32_t channel = 0; channel < channels; channel += together) {
            patch.input = first + channel / group_channels * group_depth;
            patch.weights = tap + channel * filter;
            each(context, &patch, channel, output + channel);
        }
        output += channels;
    }
}

tflm_status_t tflm_patches_init_transposed(tflm_node_t *node, const tflm_tensor_t *tensors,
                                           tflm_patches_t *patches) {
    const tflm_tensor_t *input = &tensors[0], *weights = &tensors[1], *output = &tensors[2];
    TRY(tflm_windows(node, output, input, weights, 0, &patches->y, &patches->x));
    if (weights->rank != 4 || weights->dims[0] != output->dims[3] ||
        weights->dims[3] != input->dims[3]) {
        return tflm_unfit(node);
    }
    if (fb_field_u8(&node->load->fb, node->options, 3, 0) != TFLM_ACT_NONE) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "fused activation");
    }
    patches->depth = patches->group_depth = (uint32_t)input->dims[3];
    patches->channels = (uint32_t)output->dims[3];
    patches->depthwise = false;
    node->macs = (uint64_t)input->elements * (weights->elements / patches->depth);
    const tflm_window_t *y = &patches->y, *x = &patches->x;
    uint64_t rows = (uint64_t)((y->taps + y->stride - 1) / y->stride);
    tflm_patches_set_cost(node, patches, rows * (uint64_t)((x->taps + x->stride - 1) / x->stride),
                          output);
    return TFLM_OK;
}

// Returns how many inputs contribute to output `at`; gives the first of them, and its tap. Each
// next one is `stride` taps before.
static int32_t sources(const tflm_window_t *window, int32_t at, int32_t *first, int32_t *tap) {
    int32_t stride = window->stride;
    int32_t last = (at + window->padding) / stride;
    int32_t taps = window->taps - 1 - (at + window->padding) % stride; // To choose from, less one.
    *first = taps < 0 ? last + 1 : last - taps / stride;
    *first = *first > 0 ? *first : 0;
    *tap = at + window->padding - *first * stride;
    int32_t end = last < window->output ? last + 1 : window->output;
    return end > *first ? end - *first : 0;
}

void tflm_patches_walk_transposed(const tflm_patches_t *patches, const uint8_t *input,
                                  uint32_t input_bytes, uint32_t from, uint32_t to,
                                  uint32_t together, tflm_patch_each_t *each, void *context) {
    const tflm_window_t *wx = &patches->x, *wy = &patches->y;
    ptrdiff_t depth = (ptrdiff_t)patches->depth;
    tflm_patch_t patch = {.run = patches->depth};
    patch.input_column = depth * (ptrdiff_t)input_bytes;
    patch.input_row = wx->output * patch.input_column;
    // These wrap around only if there is one column, or one row.
    patch.weight_column = -(ptrdiff_t)((size_t)wx->stride * (size_t)depth);
    patch.weight_row = -(ptrdiff_t)((size_t)wy->stride * (size_t)wx->taps * (size_t)depth);
    size_t filter = (size_t)wy->taps * (size_t)wx->taps * (size_t)depth;
    size_t output = (size_t)from * patches->channels;
    for (uint32_t position = from; position < to; position++) {
        uint32_t row = position / (uint32_t)wx->input;
        int32_t y, y_tap, x, x_tap;
        patch.rows = sources(wy, (int32_t)(row % (uint32_t)wy->input), &y, &y_tap);
        patch.columns = sources(wx, (int32_t)(position % (uint32_t)wx->input), &x, &x_tap);
        y += (int32_t)(row / (uint32_t)wy->input) * wy->output;
        patch.rows = patch.columns ? patch.rows : 0;
        patch.input = patch.rows ? input + y * patch.input_row + x * patch.input_column : input;
        size_t tap = ((size_t)y_tap * (size_t)wx->taps + (size_t)x_tap) * (size_t)depth;
        for (uint32_t channel = 0; channel < patches->channels; channel += together) {
            patch.weights = tap + channel * filter;
            each(context, &patch, channel, output + channel);
        }
        output += patches->channels;
    }
}
