// SPDX-License-Identifier: Apache-2.0
// Elements of tensors, by their type.
#ifndef TFLM_TYPES_H
#define TFLM_TYPES_H

#include "tflm.h"

static inline uint32_t tflm_load_u32(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// Returns element `i` of an integer tensor, at any alignment.
int32_t tflm_get(const void *data, uint32_t type, uint32_t i);

// The same for int16, for inner loops.
static inline int32_t tflm_int16(const void *data, uint32_t i) {
    int16_t x; // One load on a core that allows unaligned ones; never a call.
    __builtin_memcpy(&x, (const uint8_t *)data + 2 * (size_t)i, sizeof x);
    return x;
}

// Sets element `i`, which is aligned.
void tflm_set(void *data, uint32_t type, uint32_t i, int32_t value);

// The smallest and largest value of an integer type.
void tflm_type_range(tflm_type_t type, int32_t *low, int32_t *high);

#endif
