// SPDX-License-Identifier: Apache-2.0
// Attributes of functions for the compiler.
#ifndef TFLM_COMPILER_H
#define TFLM_COMPILER_H

// What ESP32-S3, whose executable RAM is scarce, has once: inline, they take 3 KB more.
#ifdef __XTENSA__
#define TFLM_SHARED static __attribute__((noinline, unused))
#else
#define TFLM_SHARED static inline
#endif

// For functions that optimising all files at once would take inline, to make more code of them.
#define TFLM_NOINLINE __attribute__((noinline))

// Compiled for size, in files of fast code, too.
#define TFLM_COLD __attribute__((cold))

#endif
