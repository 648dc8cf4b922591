// SPDX-License-Identifier: Apache-2.0
// The operators that can be run.
#ifndef TFLM_KERNELS_H
#define TFLM_KERNELS_H

#include "kernel.h"

// Returns a kernel by its number in records.
const tflm_kernel_t *tflm_kernel(uint32_t index);

// Returns the kernel for an operator and one of TFLM_VARIANTS, or 0; NULL if there is none.
const tflm_kernel_t *tflm_find_kernel(int32_t code, uint8_t variant);

#endif
