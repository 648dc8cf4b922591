// SPDX-License-Identifier: Apache-2.0
// What becomes of an LSTM's sums: some units at a time. The portable functions, in sigmoid_16.c,
// are the reference of those for Helium.
#ifndef TFLM_LSTM_H
#define TFLM_LSTM_H

#include "recurrent.h"
#include "target.h"

// Gates, in the order of the operator's inputs.
enum { TFLM_GATE_INPUT, TFLM_GATE_FORGET, TFLM_GATE_CELL, TFLM_GATE_OUTPUT, TFLM_GATES };

// A gate's sums of products: of the input, and of what was put out the last time.
enum { TFLM_LSTM_SUMS = 2 };

// Units whose sums are made together.
enum { TFLM_LSTM_UNITS = 32 };

typedef struct {
    int32_t tanh_shift; // From the cell's state to the argument of tanh, beside 3.
    int32_t low, high;  // Of the cell's state.
    tflm_scale_t forget_scale, update_scale; // Of products.
    tflm_requantize_t to;
} tflm_lstm_cell_t;

// From n units' gates, which need their activation, to the new states of their cells, and to what
// they put out.
void tflm_lstm_step(const tflm_lstm_cell_t *self, int16_t (*gates)[TFLM_LSTM_UNITS], uint32_t n,
                    int16_t *cell, int16_t *output);

// 1 / (1 + exp(-i / 24)) in units of 2^-16.
extern const uint16_t tflm_sigmoid_table[256];

#endif
