// SPDX-License-Identifier: Apache-2.0
// DEPTHWISE_CONV_2D of int8: what its eval passes to the kernels of each instruction set.
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

// The taps that lie within the input at one output position.
typedef struct {
    const int8_t *input, *weights; // At the first of these taps.
    int32_t rows, columns;
    ptrdiff_t input_row, input_column; // Steps in bytes.
    ptrdiff_t weight_row, weight_column;
    ptrdiff_t step;  // From one position's input to the next one's.
    int32_t offset;  // Added to inputs.
    uint32_t period; // The number of channels after which the weights repeat, for Helium.
} tflm_depthwise_taps_t;

// Computes the sums of `count` channels from `channel` on, at several positions one after another.
// There must be room for TFLM_DEPTHWISE_ROOM more sums. The zero point is not folded into the
// biases here, as taps outside of the input would then count.
enum { TFLM_DEPTHWISE_ROOM = 8 };

// Whether neighbouring positions may be passed as one, with channels beyond the period. Their
// inputs must be contiguous, and the multiplier 1.
#ifdef TFLM_HELIUM
enum { TFLM_DEPTHWISE_RUNS = true };
#else
enum { TFLM_DEPTHWISE_RUNS = false };
#endif
void tflm_depthwise_sums(const tflm_depthwise_taps_t *taps, uint32_t multiplier, uint32_t channel,
                         uint32_t count, uint32_t positions, int32_t *sum);

// Runs `tap` for `count` taps of a row; without a loop for three, as most filters have.
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

// Returns one channel's sum.
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
