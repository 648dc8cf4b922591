// SPDX-License-Identifier: Apache-2.0
// DEPTHWISE_CONV_2D of int8: what its evaluation hands to the kernels of each instruction set.
#ifndef TFLM_DEPTHWISE_H
#define TFLM_DEPTHWISE_H

#include "dense.h"
#include "patches.h"

typedef struct {
    uint32_t input, weights, bias, output_place; // Places.
    tflm_window_t y, x;
    uint32_t depth; // Channels of the input.
    uint32_t multiplier;
    int32_t input_offset;
    tflm_output_t output;
} depthwise_t;

// The taps that meet the input at one output position.
typedef struct {
    const int8_t *input, *weights; // At the first of them.
    int32_t rows, columns;
    ptrdiff_t input_row, input_column; // Steps in bytes.
    ptrdiff_t weight_row, weight_column;
    ptrdiff_t step;  // From one position's input to the next one's.
    int32_t offset;  // Added to inputs.
    uint32_t period; // Channels after which the weights begin again, for Helium.
} tflm_depthwise_taps_t;

// Sums up `count` channels from `channel` on, at several positions one after another. Above the
// sums, there has to be room for TFLM_DEPTHWISE_ROOM more. The zero point is not folded into the
// biases here: then taps off the input would count.
enum { TFLM_DEPTHWISE_ROOM = 8 };

// Whether neighbouring positions may be given as one whose channels go on beyond the period, where
// the multiplier is 1 and their inputs follow one another.
#ifdef TFLM_HELIUM
enum { TFLM_DEPTHWISE_RUNS = true };
#else
enum { TFLM_DEPTHWISE_RUNS = false };
#endif
void tflm_depthwise_sums(const tflm_depthwise_taps_t *taps, uint32_t multiplier, uint32_t channel,
                         uint32_t count, uint32_t positions, int32_t *sum);

// Runs `tap` for `count` taps of a row; three, which is what most filters have, without a loop.
#define TFLM_FOR_COLUMNS(taps, count, xj, wj, tap)                                                 \
    do {                                                                                           \
        if ((count) == 3) {                                                                        \
            tap;                                                                                   \
            (xj) += (taps)->input_column;                                                          \
            (wj) += (taps)->weight_column;                                                         \
            tap;                                                                                   \
            (xj) += (taps)->input_column;                                                          \
            (wj) += (taps)->weight_column;                                                         \
            tap;                                                                                   \
        } else {                                                                                   \
            for (int32_t j = (count); j > 0; j--) {                                                \
                tap;                                                                               \
                (xj) += (taps)->input_column;                                                      \
                (wj) += (taps)->weight_column;                                                     \
            }                                                                                      \
        }                                                                                          \
    } while (0)

// One channel's sum.
static inline int32_t tflm_depthwise_sum(const tflm_depthwise_taps_t *taps, const int8_t *x,
                                         const int8_t *w) {
    int32_t sum = 0;
    for (int32_t i = 0; i < taps->rows; i++) {
        for (int32_t j = 0; j < taps->columns; j++) {
            int32_t value = x[i * taps->input_row + j * taps->input_column] + taps->offset;
            sum += value * w[i * taps->weight_row + j * taps->weight_column];
        }
    }
    return sum;
}

#endif
