// SPDX-License-Identifier: Apache-2.0
#include "patches.h"

tflm_status_t tflm_patches_init(tflm_node_t *node, const tflm_tensor_t *tensors, bool depthwise,
                                tflm_patches_t *patches) {
    fb_t *fb = &node->load->fb;
    const tflm_tensor_t *input = &tensors[0], *weights = &tensors[1], *output = &tensors[2];
    bool fits = input->rank == 4 && weights->rank == 4 && output->rank == 4 &&
                input->dims[0] == output->dims[0];
    if (fits && depthwise) {
        fits = weights->dims[0] == 1 && weights->dims[3] == output->dims[3] &&
               output->dims[3] % input->dims[3] == 0;
    } else if (fits) {
        fits = weights->dims[0] == output->dims[3] && input->dims[3] % weights->dims[3] == 0 &&
               output->dims[3] % (input->dims[3] / weights->dims[3]) == 0;
    }
    if (!fits) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit each other");
    }
    tflm_window_t y = {
        .input = input->dims[1], .output = output->dims[1], .taps = weights->dims[1]};
    tflm_window_t x = {
        .input = input->dims[2], .output = output->dims[2], .taps = weights->dims[2]};
    uint8_t padding = fb_field_u8(fb, node->options, 0, 0);
    unsigned dilation = depthwise ? 5 : 4; // The number of the field.
    x.stride = fb_field_i32(fb, node->options, 1, 0);
    y.stride = fb_field_i32(fb, node->options, 2, 0);
    x.dilation = fb_field_i32(fb, node->options, dilation, 1);
    y.dilation = fb_field_i32(fb, node->options, dilation + 1, 1);
    TRY(tflm_window_init(node, &y, padding));
    TRY(tflm_window_init(node, &x, padding));
    tflm_window_overlap(node, &y, input->dims[0], input->bytes / (uint32_t)input->dims[1],
                        output->bytes / (uint32_t)output->dims[1]);
    patches->y = y;
    patches->x = x;
    patches->depth = (uint32_t)input->dims[3];
    patches->group_depth = depthwise ? 1 : (uint32_t)weights->dims[3];
    patches->channels = (uint32_t)output->dims[3];
    patches->depthwise = depthwise;
    node->rows = (uint32_t)(output->dims[0] * output->dims[1]);
    node->macs = (uint64_t)output->elements * (weights->elements / patches->channels);
    return TFLM_OK;
}

void tflm_patches_walk(const tflm_patches_t *patches, const uint8_t *input, uint32_t input_bytes,
                       uint32_t from, uint32_t to,
                       void (*each)(void *context, const tflm_patch_t *patch, uint32_t channel,
                                    size_t output),
                       void *context) {
    const tflm_window_t *wx = &patches->x, *wy = &patches->y;
    uint32_t channels = patches->channels;
    uint32_t group_channels = channels / (patches->depth / patches->group_depth);
    size_t depth = (size_t)patches->depth * input_bytes;
    size_t group_depth = (size_t)patches->group_depth * input_bytes;
    size_t output = (size_t)from * (size_t)wx->output * channels;
    tflm_patch_t patch = {.run = patches->group_depth};
    // These wrap around only where there is one row, or one column.
    patch.input_row = (ptrdiff_t)((size_t)wy->dilation * (size_t)wx->input * depth);
    patch.input_column = (ptrdiff_t)((size_t)wx->dilation * depth);
    patch.weight_column = patches->depthwise ? channels : patches->group_depth;
    patch.weight_row = (size_t)wx->taps * patch.weight_column;
    size_t filter = patches->depthwise ? 1 : (size_t)wy->taps * patch.weight_row;
    for (uint32_t row = from; row < to; row++) {
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &y_from, &y_to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input + y_from * wy->dilation;
        patch.rows = y_to - y_from;
        for (int32_t column = 0; column < wx->output; column++) {
            tflm_window_taps(wx, column, &x, &x_from, &x_to);
            x += x_from * wx->dilation;
            patch.columns = x_to - x_from;
            const uint8_t *first = input + ((ptrdiff_t)y * wx->input + x) * (ptrdiff_t)depth;
            size_t tap = (size_t)y_from * patch.weight_row + (size_t)x_from * patch.weight_column;
            for (uint32_t channel = 0; channel < channels; channel++) {
                patch.input = first + channel / group_channels * group_depth;
                patch.weights = tap + channel * filter;
                each(context, &patch, channel, output++);
            }
        }
    }
}
