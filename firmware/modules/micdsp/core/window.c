// SPDX-License-Identifier: Apache-2.0
// Applies the window, and scales its samples for the FFT.
#include "bits.h"
#include "stages.h"
#include "tables.h"

#if MICDSP_MVE
#include <arm_mve.h>
#endif

// Returns the bitwise or of all magnitudes: its highest bit is that of the largest.
static uint32_t multiply(const int16_t *restrict samples, int16_t *restrict windowed) {
#if MICDSP_MVE
    uint16x8_t magnitudes = vdupq_n_u16(0);
    for (int i = 0; i < MICDSP_WINDOW_SAMPLES; i += 8) {
        int16x8_t sample = vld1q_s16(samples + i), weight = vld1q_s16(micdsp_window + i);
        int16x8_t value = vshrnbq_n_s32(sample, vmullbq_int_s16(sample, weight), 12);
        value = vshrntq_n_s32(value, vmulltq_int_s16(sample, weight), 12);
        vst1q_s16(windowed + i, value);
        magnitudes = vorrq_u16(magnitudes, vreinterpretq_u16_s16(vabsq_s16(value)));
    }
    uint32x4_t pairs = vreinterpretq_u32_u16(magnitudes);
    uint32_t both = vgetq_lane_u32(pairs, 0) | vgetq_lane_u32(pairs, 1) | vgetq_lane_u32(pairs, 2) |
                    vgetq_lane_u32(pairs, 3);
    return (both | both >> 16) & 0xFFFF;
#else
    uint32_t magnitudes = 0;
    for (int i = 0; i < MICDSP_WINDOW_SAMPLES; i++) {
        int32_t value = (samples[i] * micdsp_window[i]) >> 12;
        windowed[i] = (int16_t)value;
        magnitudes |= (uint32_t)(value < 0 ? -value : value);
    }
    return magnitudes;
#endif
}

int micdsp_window_apply(const int16_t *restrict samples, int16_t *restrict windowed) {
    uint32_t magnitudes = multiply(samples, windowed);
    // The original keeps magnitudes in 16 bits, in which that of -32768 counts as 0; scaling wraps
    // that value to 0.
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
