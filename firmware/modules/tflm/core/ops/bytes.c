// SPDX-License-Identifier: Apache-2.0
#include "bytes.h"

#ifndef TFLM_HELIUM

static inline void copy_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count,
                             int32_t to_step, int32_t from_step) {
    for (; count; count--, to += to_step, from += from_step) {
        memcpy(to, from, run);
    }
}

void tflm_copy_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count, int32_t to_step,
                    int32_t from_step) {
    if (run == 1) { // Of a constant number of bytes, without a call.
        copy_runs(to, from, 1, count, to_step, from_step);
    } else if (run == 8) {
        copy_runs(to, from, 8, count, to_step, from_step);
    } else {
        for (; count; count--, to += to_step, from += from_step) {
            tflm_copy(to, from, run);
        }
    }
}

#endif
