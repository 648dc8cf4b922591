// SPDX-License-Identifier: Apache-2.0
// Which kernels a target has besides the portable ones; TFLM_PORTABLE leaves them out.
#ifndef TFLM_TARGET_H
#define TFLM_TARGET_H

#include "../fixed.h"

#ifndef TFLM_PORTABLE
#if defined(__ARM_FEATURE_MVE) && __ARM_FEATURE_MVE & 1
#define TFLM_HELIUM
#elif defined(__ARM_FEATURE_SIMD32)
#define TFLM_DSP
#elif defined(__XTENSA__) && !defined(__XTENSA_CALL0_ABI__) // ESP32 and ESP32-S3, which have MAC16.
#define TFLM_XTENSA
#endif
#endif

#endif
