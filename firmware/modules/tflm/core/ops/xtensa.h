// SPDX-License-Identifier: Apache-2.0
// What the kernels for Xtensa cores share: those for ESP32-S3's vector unit, or those for MAC16.
#ifndef TFLM_XTENSA_H
#define TFLM_XTENSA_H

#include "depthwise.h"

#ifdef TFLM_XTENSA

// Sums that are finished together.
enum { TFLM_GROUP = 64 };

// Sums of n products of one channel's weights with inputs at `count` positions, which tflm_widen
// has widened.
void tflm_sum_positions(int16_t *widened, const int8_t *w, uint32_t n, uint32_t count,
                        int32_t *sum);

// The same of `channels` channels, whose weights are `stride` bytes apart, with inputs x at one
// position, widened unless they are too many.
void tflm_sum_channels(const int8_t *x, int16_t *widened, const int8_t *w, uint32_t n,
                       uint32_t stride, uint32_t channels, int32_t *sum);

#ifndef TFLM_WITHOUT_VECTORS
// Whether the vector unit is used: it is there, and its kernels give what plain C gives. Looked at
// once. TFLM_WITHOUT_VECTORS leaves its kernels out, and has those for MAC16 in their place.
enum { TFLM_VECTORS_UNKNOWN, TFLM_VECTORS, TFLM_NO_VECTORS };
extern uint8_t tflm_vector_state;
bool tflm_look_for_vectors(void);

static inline __attribute__((always_inline)) bool tflm_vectors(void) {
    return tflm_vector_state ? tflm_vector_state == TFLM_VECTORS : tflm_look_for_vectors();
}

// Whether DEPTHWISE_CONV_2D sums up taps as plain C does, of so many bytes x and w.
enum { TFLM_VECTOR_SAMPLES = 1 + 13 * 31 };
bool tflm_vector_taps_correct(const int8_t *x, const int8_t *w);
#endif

// Outputs of one channel at `count` positions, `step` bytes apart, from sums without their bias,
// `sum_step` bytes apart.
void tflm_finish_positions(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                           uint32_t sum_step, uint32_t count, int8_t *output, ptrdiff_t step);

// Outputs of `count` channels at one position.
void tflm_finish_channels(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                          uint32_t count, int8_t *output);

#endif
#endif
