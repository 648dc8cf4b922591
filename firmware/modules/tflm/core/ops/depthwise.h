// SPDX-License-Identifier: Apache-2.0
#ifndef TFLM_DEPTHWISE_H
#define TFLM_DEPTHWISE_H

#include "dense.h"
#include "patches.h"

typedef struct {
    uint32_t input, weights, output_place; // Places.
    tflm_window_t y, x;
    uint32_t depth; // Channels of the input.
    uint32_t multiplier;
    int32_t input_offset;
    tflm_output_t output;
} depthwise_t;

#endif
