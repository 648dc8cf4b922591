// SPDX-License-Identifier: Apache-2.0
// Attributes of functions for the compiler.
#ifndef TFLM_COMPILER_H
#define TFLM_COMPILER_H

// On ESP32-S3, where executable RAM is scarce, these functions are not inlined: that saves 3 KB.
#ifdef __XTENSA__
#define TFLM_SHARED static __attribute__((noinline, unused))
#else
#define TFLM_SHARED static inline
#endif

// For functions that would otherwise be inlined, and so take more code, when all files are
// optimised at once.
#define TFLM_NOINLINE __attribute__((noinline))

// For functions to optimise for size, even in files that are optimised for speed.
#define TFLM_COLD __attribute__((cold))

#endif
