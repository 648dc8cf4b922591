// SPDX-License-Identifier: Apache-2.0
// Per-channel amplitude normalisation, https://research.google/pubs/pub45911.pdf
#include "bits.h"
#include "stages.h"
#include "tables.h"

#define SNR_SHIFT 6
#define SNR_BITS 12
#define OUTPUT_BITS 6

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
