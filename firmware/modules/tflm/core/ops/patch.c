// SPDX-License-Identifier: Apache-2.0
// Collects the inputs that one output position of a convolution needs.
#include "bytes.h"
#include "patches.h"

bool tflm_patches_are_contiguous(const tflm_patches_t *patches) {
    const tflm_window_t *x = &patches->x, *y = &patches->y;
    bool grouped = patches->depth != patches->group_depth;
    bool one_tap = x->taps == 1 && y->taps == 1;
    bool rows = x->dilation == 1 && (y->taps == 1 || (x->taps == x->input && y->dilation == 1));
    return (one_tap || (rows && !grouped)) && !tflm_window_is_padded(y) &&
           !tflm_window_is_padded(x);
}

void tflm_fill_patch(const tflm_patches_t *patches, uint32_t element_bytes, int32_t zero,
                     const uint8_t *input, int32_t row, int32_t column, uint8_t *patch) {
    const tflm_window_t *wx = &patches->x, *wy = &patches->y;
    size_t run = patches->group_depth * element_bytes, depth = patches->depth * element_bytes;
    int32_t y, y_from, y_to, x, x_from, x_to;
    tflm_window_taps(wy, row, &y, &y_from, &y_to);
    tflm_window_taps(wx, column, &x, &x_from, &x_to);
    if ((y_to - y_from) * (x_to - x_from) < wy->taps * wx->taps) {
        tflm_fill((int8_t *)patch, zero, (size_t)(wy->taps * wx->taps) * run);
    }
    // Neighbouring taps of a row are one run, unless there are gaps between them.
    size_t taps = wx->dilation == 1 && run == depth ? (size_t)(x_to - x_from) : 1;
    size_t input_row = (size_t)wx->input * depth, step = taps * (size_t)wx->dilation * depth;
    const uint8_t *row_from = input + (size_t)(y + y_from * wy->dilation) * input_row +
                              (size_t)(x + x_from * wx->dilation) * depth;
    uint8_t *row_to = patch + ((size_t)y_from * (size_t)wx->taps + (size_t)x_from) * run;
    for (int32_t i = y_from; i < y_to && x_from < x_to; i++) {
        const uint8_t *from = row_from;
        uint8_t *to = row_to;
        for (uint8_t *end = to + (size_t)(x_to - x_from) * run; to < end; to += taps * run) {
            tflm_copy((int8_t *)to, (const int8_t *)from, taps * run);
            from += step;
        }
        row_from += (size_t)wy->dilation * input_row;
        row_to += (size_t)wx->taps * run;
    }
}
