// SPDX-License-Identifier: Apache-2.0
// Copies and fills, mostly of a few bytes; the versions for Helium need no calls. The portable ones
// are the reference for those for Helium and Arm's DSP extension.
#ifndef TFLM_BYTES_H
#define TFLM_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "target.h"

// Copies `count` runs of `run` bytes; the pointers move on by the steps.
void tflm_copy_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count, int32_t to_step,
                    int32_t from_step);

// Fills `count` runs with the four bytes of `pattern`, which begins anew with each run.
void tflm_fill_runs(int8_t *to, uint32_t pattern, uint32_t run, uint32_t count, int32_t step);

// Moves bytes down by `distance`, to `to`.
void tflm_move_down(uint8_t *to, uint32_t distance, size_t bytes);

#ifdef TFLM_DSP
void tflm_copy(int8_t *to, const int8_t *from, size_t bytes);
#else
static inline void tflm_copy(int8_t *to, const int8_t *from, size_t bytes) {
#ifdef TFLM_HELIUM
    __asm__ volatile("wlstp.8 lr, %[bytes], 2f\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[from]], #16\n\t"
                     "vstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [to] "+r"(to), [from] "+r"(from)
                     : [bytes] "r"(bytes)
                     : "lr", "q0", "memory");
#else
    memcpy(to, from, bytes);
#endif
}
#endif

static inline void tflm_fill(int8_t *to, int32_t value, size_t bytes) {
#ifdef TFLM_HELIUM
    __asm__ volatile("vdup.8 q0, %[value]\n\t"
                     "wlstp.8 lr, %[bytes], 2f\n"
                     "1:\n\t"
                     "vstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [to] "+r"(to)
                     : [value] "r"(value), [bytes] "r"(bytes)
                     : "lr", "q0", "memory");
#else
    memset(to, value, bytes);
#endif
}

#endif
