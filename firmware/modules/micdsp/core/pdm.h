// SPDX-License-Identifier: Apache-2.0
// Decimates the one-bit stream of a PDM microphone at 2.048 MHz to samples at 16 kHz. Flat within
// 0.3 dB from 60 Hz to 6.5 kHz; what would alias from above 9.5 kHz is 50 dB down.
#ifndef MICDSP_PDM_H
#define MICDSP_PDM_H

#include <stddef.h>
#include <stdint.h>

// Bits per sample.
#define MICDSP_PDM_BITS 128
#define MICDSP_PDM_TAPS 160
#define MICDSP_PDM_HISTORY (2 * MICDSP_PDM_TAPS)

// One stream. Set up with micdsp_pdm_reset; the fields are private.
typedef struct {
    int32_t offset; // of the microphone: the slow mean of the samples in Q23
    uint16_t filled;
    uint8_t window[8];                   // the last bits, oldest first
    int16_t history[MICDSP_PDM_HISTORY]; // 128 kHz
} micdsp_pdm_t;

// Restores the state of silence.
void micdsp_pdm_reset(micdsp_pdm_t *pdm);

// Writes sample_count samples made of 16 bytes each. Bits are as I2S leaves them: 32-bit
// little-endian words, the first bit the highest. Samples are doubled gain_shift (0..7) times:
// speech is 40 to 60 dB below such a microphone's maximum.
void micdsp_pdm_process(micdsp_pdm_t *pdm, const void *bits, size_t sample_count, int gain_shift,
                        void *samples);

#endif
