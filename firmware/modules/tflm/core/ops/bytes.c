// SPDX-License-Identifier: Apache-2.0
// Copies and fills in portable C.
#include "bytes.h"

#if !defined(TFLM_HELIUM) && !defined(TFLM_DSP)

static inline void copy_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count,
                             int32_t to_step, int32_t from_step) {
    for (; count; count--, to += to_step, from += from_step) {
        memcpy(to, from, run);
    }
}

void tflm_copy_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count, int32_t to_step,
                    int32_t from_step) {
    if (run == 1) { // The size is constant, so this needs no call.
        copy_runs(to, from, 1, count, to_step, from_step);
    } else if (run == 8) {
        copy_runs(to, from, 8, count, to_step, from_step);
    } else {
        for (; count; count--, to += to_step, from += from_step) {
            tflm_copy(to, from, run);
        }
    }
}

void tflm_fill_runs(int8_t *to, uint32_t pattern, uint32_t run, uint32_t count, int32_t step) {
    bool even = pattern == (uint8_t)pattern * 0x01010101u;
    for (; count; count--, to += step) {
        if (even) {
            memset(to, (int)(uint8_t)pattern, run);
            continue;
        }
        for (uint32_t i = 0; i < run; i++) {
            to[i] = (int8_t)(pattern >> i % 4 * 8);
        }
    }
}

void tflm_move_down(uint8_t *to, uint32_t distance, size_t bytes) {
    memmove(to, to + distance, bytes);
}

#endif
