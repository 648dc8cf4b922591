// SPDX-License-Identifier: Apache-2.0
// Numbers of int4, two in a byte, the first in its lower half.
#ifndef TFLM_INT4_H
#define TFLM_INT4_H

#include "target.h"

// Unpacks the first n numbers to int8.
void tflm_unpack_int4(const uint8_t *packed, int8_t *to, uint32_t n);

#endif
