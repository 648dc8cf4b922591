// SPDX-License-Identifier: Apache-2.0
// Shared by the kernels for Xtensa cores: those for ESP32-S3's vector unit, or those for MAC16.
#ifndef TFLM_XTENSA_H
#define TFLM_XTENSA_H

#include "depthwise.h"

#ifdef TFLM_XTENSA

// Sums that are finished together.
enum { TFLM_GROUP = 64 };

// Computes sums of n products of one channel's weights with inputs at `count` positions, which
// tflm_widen has widened.
void tflm_sum_positions(int16_t *widened, const int8_t *w, uint32_t n, uint32_t count,
                        int32_t *sum);

// The same for `channels` channels, whose weights are `stride` bytes apart, with inputs x at one
// position, widened unless they are too many.
void tflm_sum_channels(const int8_t *x, int16_t *widened, const int8_t *w, uint32_t n,
                       uint32_t stride, uint32_t channels, int32_t *sum);

#ifndef TFLM_WITHOUT_VECTORS
// Whether the vector unit is used: it exists, and its kernels compute what plain C does. That is
// checked once. TFLM_WITHOUT_VECTORS builds the kernels for MAC16 in their place.
enum { TFLM_VECTORS_UNKNOWN, TFLM_VECTORS, TFLM_NO_VECTORS };
extern uint8_t tflm_vector_state;
bool tflm_look_for_vectors(void);

static inline __attribute__((always_inline)) bool tflm_vectors(void) {
    return tflm_vector_state ? tflm_vector_state == TFLM_VECTORS : tflm_look_for_vectors();
}

// Whether DEPTHWISE_CONV_2D sums taps as plain C does, tried with so many bytes x and w.
enum { TFLM_VECTOR_SAMPLES = 1 + 13 * 31 };
bool tflm_vector_taps_correct(const int8_t *x, const int8_t *w);
#endif

// Finishes one channel at `count` positions, whose outputs are `step` bytes apart, from sums
// without their bias, `sum_step` bytes apart.
void tflm_finish_positions(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                           uint32_t sum_step, uint32_t count, int8_t *output, ptrdiff_t step);

// Finishes `count` channels at one position.
void tflm_finish_channels(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                          uint32_t count, int8_t *output);

#endif
#endif
