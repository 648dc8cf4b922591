// SPDX-License-Identifier: Apache-2.0
// Per-channel amplitude normalisation, https://research.google/pubs/pub45911.pdf
#include "bits.h"
#include "stages.h"
#include "tables.h"

#define SNR_SHIFT 6
#define SNR_BITS 12
#define OUTPUT_BITS 6

#if MICDSP_MVE

#include <arm_mve.h>

// As below, for four channels.
static uint32x4_t gains(uint32x4_t noise) {
    int32x4_t octave = vsubq_s32(vdupq_n_s32(32), vreinterpretq_s32_u32(vclzq_u32(noise)));
    mve_pred16_t small = vcmpleq_n_s32(vreinterpretq_s32_u32(noise), 2);
    uint32x4_t table = vreinterpretq_u32_s32(vsubq_n_s32(vshlq_n_s32(octave, 2), 6));
    table = vpselq_u32(noise, table, small);
    uint32x4_t place = vshlq_u32(noise, vsubq_s32(vdupq_n_s32(11), octave));
    int32x4_t position = vreinterpretq_s32_u32(vandq_u32(place, vdupq_n_u32(0x3FF)));
    position = vpselq_s32(vdupq_n_s32(0), position, small);
    int32x4_t constant = vldrhq_gather_shifted_offset_s32(micdsp_pcan_gains, table);
    int32x4_t linear = vldrhq_gather_shifted_offset_s32(micdsp_pcan_gains + 1, table);
    int32x4_t square = vldrhq_gather_shifted_offset_s32(micdsp_pcan_gains + 2, table);
    int32x4_t value = vshrq_n_s32(vmulq_s32(square, position), 5);
    value = vmulq_s32(vaddq_s32(value, vshlq_n_s32(linear, 5)), position);
    return vreinterpretq_u32_s32(vaddq_s32(vrshrq_n_s32(value, 15), constant));
}

void micdsp_pcan_apply(const uint32_t *noise, uint32_t *channels) {
    for (int i = 0; i < MICDSP_CHANNELS; i += 4) {
        uint32x4_t channel = vld1q_u32(channels + i), gain = gains(vld1q_u32(noise + i));
        uint32x4_t snr = vsliq_n_u32(vshrq_n_u32(vmulq_u32(channel, gain), SNR_SHIFT),
                                     vmulhq_u32(channel, gain), 32 - SNR_SHIFT);
        uint32x4_t low = vshrq_n_u32(vmulq_u32(snr, snr), 2 + 2 * SNR_BITS - OUTPUT_BITS);
        uint32x4_t high = vsubq_n_u32(vshrq_n_u32(snr, SNR_BITS - OUTPUT_BITS), 1 << OUTPUT_BITS);
        mve_pred16_t is_high = vcmpcsq_u32(snr, vdupq_n_u32(2u << SNR_BITS));
        vst1q_u32(channels + i, vpselq_u32(high, low, is_high));
    }
}

#else

// Gain by quadratic interpolation in an octave of the noise estimate.
static uint32_t gain(uint32_t noise) {
    if (noise <= 2) {
        return (uint32_t)micdsp_pcan_gains[noise];
    }
    int octave = micdsp_bit_length(noise);
    const int16_t *table = micdsp_pcan_gains + 4 * octave - 6;
    int32_t position = (octave < 11 ? noise << (11 - octave) : noise >> (octave - 11)) & 0x3FF;
    int32_t value = (table[2] * position) >> 5;
    value = (value + table[1] * 32) * position;
    return (uint32_t)(((value + (1 << 14)) >> 15) + table[0]);
}

void micdsp_pcan_apply(const uint32_t *noise, uint32_t *channels) {
    for (int i = 0; i < MICDSP_CHANNELS; i++) {
        uint32_t snr = (uint32_t)((uint64_t)channels[i] * gain(noise[i]) >> SNR_SHIFT);
        if (snr < 2u << SNR_BITS) {
            channels[i] = snr * snr >> (2 + 2 * SNR_BITS - OUTPUT_BITS);
        } else {
            channels[i] = (snr >> (SNR_BITS - OUTPUT_BITS)) - (1 << OUTPUT_BITS);
        }
    }
}

#endif
