// SPDX-License-Identifier: Apache-2.0
// What the kernels for Xtensa cores share: those for MAC16, and those for ESP32-S3's vector unit.
#ifndef TFLM_XTENSA_H
#define TFLM_XTENSA_H

#include "depthwise.h"

#ifdef TFLM_XTENSA

// Sums that are finished together.
enum { TFLM_GROUP = 64 };

// Whether the vector unit is used: it is there, and its kernels give what plain C gives. Looked at
// once. TFLM_WITHOUT_VECTORS leaves its kernels out.
enum { TFLM_VECTORS_UNKNOWN, TFLM_VECTORS, TFLM_NO_VECTORS };
extern uint8_t tflm_vector_state;
bool tflm_look_for_vectors(void);

static inline __attribute__((always_inline)) bool tflm_vectors(void) {
#ifdef TFLM_WITHOUT_VECTORS
    return false;
#else
    return tflm_vector_state ? tflm_vector_state == TFLM_VECTORS : tflm_look_for_vectors();
#endif
}

// Bytes of inputs for tflm_vector_sums, of which each position's begin at a multiple of 16.
enum { TFLM_VECTOR_BYTES = 2 * TFLM_WIDENED };

static inline int8_t *tflm_vector_place(int16_t *widened) {
    return (int8_t *)(((uintptr_t)widened + 15) & ~(uintptr_t)15);
}

static inline uint32_t tflm_vector_bytes(uint32_t n) {
    return (n + 15) & ~15u;
}

// n bytes, and zeros up to a multiple of 16.
void tflm_vector_copy(const int8_t *from, uint32_t n, int8_t *to);

// Sums of n products of weights, anywhere, with inputs at `count` positions where tflm_vector_copy
// has put them, one behind the other.
void tflm_vector_sums(const int8_t *x, const int8_t *w, uint32_t n, uint32_t count, int32_t *sum);

// The same of the weights of `count` channels, `stride` bytes apart, with inputs at one position.
void tflm_vector_sums_of_channels(const int8_t *x, const int8_t *w, uint32_t n, uint32_t stride,
                                  uint32_t count, int32_t *sum);

// The same of inputs x that are too many to be there at once; parts of them come to `place`.
void tflm_vector_sums_of_parts(const int8_t *x, int8_t *place, const int8_t *w, uint32_t n,
                               uint32_t stride, uint32_t count, int32_t *sum);

// DEPTHWISE_CONV_2D of int8, rows `from` to `to` of the output.
void tflm_vector_depthwise(const tflm_run_t *run, const depthwise_t *self, uint32_t from,
                           uint32_t to);

// Whether that sums up taps as plain C does, of so many bytes x and w.
enum { TFLM_VECTOR_SAMPLES = 1 + 13 * 31 };
bool tflm_vector_taps_correct(const int8_t *x, const int8_t *w);

// Outputs of one channel at `count` positions, `step` bytes apart, from sums without their bias,
// `sum_step` bytes apart.
void tflm_finish_positions(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                           uint32_t sum_step, uint32_t count, int8_t *output, ptrdiff_t step);

// Outputs of `count` channels at one position.
void tflm_finish_channels(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                          uint32_t count, int8_t *output);

#endif
#endif
