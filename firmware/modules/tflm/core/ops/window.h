// SPDX-License-Identifier: Apache-2.0
// Windows that slide over height and width: convolutions and pooling.
#ifndef TFLM_WINDOW_H
#define TFLM_WINDOW_H

#include "ops.h"

// Along one axis.
typedef struct {
    int32_t input, output;    // Elements.
    int32_t taps;             // Of the window.
    int32_t stride, dilation; // With one tap, the dilation is 1.
    int32_t padding;          // Before the first element.
} tflm_window_t;

typedef struct {
    int32_t from, to;
} tflm_taps_t;

// As below, for a position at which some taps may lie outside of the input.
tflm_taps_t tflm_window_edge(const tflm_window_t *window, int32_t first);

// Gives which taps of the window at an output position lie within the input.
static inline void tflm_window_taps(const tflm_window_t *window, int32_t position, int32_t *start,
                                    int32_t *from, int32_t *to) {
    int32_t first = position * window->stride - window->padding;
    tflm_taps_t taps = {0, window->taps};
    if (first < 0 || first + (window->taps - 1) * window->dilation >= window->input) {
        taps = tflm_window_edge(window, first);
    }
    *start = first;
    *from = taps.from;
    *to = taps.to;
}

// Whether any window reaches beyond the input.
static inline bool tflm_window_is_padded(const tflm_window_t *window) {
    int32_t last = (window->output - 1) * window->stride + (window->taps - 1) * window->dilation;
    return last >= window->input; // The padding is divided between both ends.
}

// Checks two tensors with height and width, strides and dilations; gives the windows that slide
// over `input`. `weights` has as many taps along the same axes (NULL: options 3 and 4 give their
// number), and `dilation` is the number of that option (0: it has none).
tflm_status_t tflm_windows(tflm_node_t *node, const tflm_tensor_t *input,
                           const tflm_tensor_t *output, const tflm_tensor_t *weights,
                           unsigned dilation, tflm_window_t *y, tflm_window_t *x);

// Sets the node's rows to those of the output, and lets the output overlap the input as far as
// windows that slide along `y` allow.
void tflm_slide(tflm_node_t *node, const tflm_window_t *y, const tflm_tensor_t *input,
                const tflm_tensor_t *output);

// Does both for a pooling operator, and sets the node's cost.
tflm_status_t tflm_pool_windows(tflm_node_t *node, const tflm_tensor_t *input,
                                const tflm_tensor_t *output, tflm_window_t *y, tflm_window_t *x);

#endif
