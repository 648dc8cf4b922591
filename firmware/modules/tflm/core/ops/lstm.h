// SPDX-License-Identifier: Apache-2.0
// Turns an LSTM's sums into outputs, some units at a time. The portable functions, in sigmoid_16.c,
// are the reference for those for Helium.
#ifndef TFLM_LSTM_H
#define TFLM_LSTM_H

#include "recurrent.h"
#include "target.h"

// Gates, in the order of the operator's inputs.
enum { TFLM_GATE_INPUT, TFLM_GATE_FORGET, TFLM_GATE_CELL, TFLM_GATE_OUTPUT, TFLM_GATES };

// A gate has two sums of products: of the input, and of the previous output.
enum { TFLM_LSTM_SUMS = 2 };

// Units that are summed together.
enum { TFLM_LSTM_UNITS = 32 };

typedef struct {
    int32_t tanh_shift; // From the cell state to tanh's argument, besides the factor 3.
    int32_t low, high;  // The cell state's bounds.
    tflm_scale_t forget_scale, update_scale; // The scales of the products.
    tflm_requantize_t to;
} tflm_lstm_cell_t;

// Computes the new cell states and the outputs from the gates of n units, before their activations.
void tflm_lstm_step(const tflm_lstm_cell_t *self, int16_t (*gates)[TFLM_LSTM_UNITS], uint32_t n,
                    int16_t *cell, int16_t *output);

// 1 / (1 + exp(-i / 24)) in units of 2^-16.
extern const uint16_t tflm_sigmoid_table[256];

#endif
