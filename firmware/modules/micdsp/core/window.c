// SPDX-License-Identifier: Apache-2.0
#include "bits.h"
#include "stages.h"
#include "tables.h"

int micdsp_window_apply(const int16_t *restrict samples, int16_t *restrict windowed) {
    // The highest bit of the largest magnitude is that of all magnitudes or-ed together.
    uint32_t magnitudes = 0;
    for (int i = 0; i < MICDSP_WINDOW_SAMPLES; i++) {
        int32_t value = (samples[i] * micdsp_window[i]) >> 12;
        windowed[i] = (int16_t)value;
        magnitudes |= (uint32_t)(value < 0 ? -value : value);
    }
    // The original keeps magnitudes in 16 bits, where that of -32768 does not count and scaling
    // wraps it to 0.
    int shift = 15 - micdsp_bit_length(magnitudes & 0x7FFF);
    if (magnitudes > 0x7FFF && shift > 0) {
        for (int i = 0; i < MICDSP_WINDOW_SAMPLES; i++) {
            if (windowed[i] == -32768) {
                windowed[i] = 0;
            }
        }
    }
    return shift;
}
