// SPDX-License-Identifier: Apache-2.0
// Decimates the bits of a PDM microphone to samples at 16 kHz.
#include <string.h>

#include "pdm.h"
#include "pdm_tables.h"

#define WINDOW_BYTES 8
#define SAMPLE_BYTES (MICDSP_PDM_BITS / 8)
// A low-pass of about 10 Hz finds the microphone's offset.
#define OFFSET_SHIFT 8

void micdsp_pdm_reset(micdsp_pdm_t *pdm) {
    memset(pdm, 0, sizeof(*pdm));
    memset(pdm->window, 0x55, sizeof(pdm->window)); // as many ones as zeros: silence
    pdm->filled = MICDSP_PDM_TAPS;
}

// Computes the window's running sums, around zero. Only 61 ones in a row would not fit.
static int16_t running_sum(const uint8_t *window) {
    int32_t sum = -32768;
    for (int place = 0; place < WINDOW_BYTES; place++) {
        sum += micdsp_pdm_sums[256 * place + window[place]];
    }
    return (int16_t)(sum > 32767 ? 32767 : sum);
}

// Adds eight values at 128 kHz from 16 bytes.
static void take(micdsp_pdm_t *pdm, const uint8_t *bits) {
    if (pdm->filled == MICDSP_PDM_HISTORY) {
        memmove(pdm->history, pdm->history + MICDSP_PDM_TAPS, MICDSP_PDM_TAPS * sizeof(int16_t));
        pdm->filled = MICDSP_PDM_TAPS;
    }
    for (int i = 0; i < SAMPLE_BYTES; i += 2) {
        memmove(pdm->window, pdm->window + 2, WINDOW_BYTES - 2);
        // The first bit of a word is in its last byte.
        pdm->window[WINDOW_BYTES - 2] = bits[i ^ 3];
        pdm->window[WINDOW_BYTES - 1] = bits[(i + 1) ^ 3];
        pdm->history[pdm->filled++] = running_sum(pdm->window);
    }
}

static int32_t low_pass(const int16_t *history) {
    int32_t sum = 0;
    for (int tap = 0; tap < MICDSP_PDM_TAPS; tap++) {
        sum += (int32_t)history[tap] * micdsp_pdm_low_pass[tap];
    }
    return sum;
}

void micdsp_pdm_process(micdsp_pdm_t *pdm, const void *bits, size_t sample_count, int gain_shift,
                        void *samples) {
    const uint8_t *in = bits;
    uint8_t *out = samples;
    for (; sample_count; sample_count--, in += SAMPLE_BYTES, out += 2) {
        take(pdm, in);
        // From Q30 to Q23, so that the difference to the offset fits.
        int32_t value = low_pass(pdm->history + pdm->filled - MICDSP_PDM_TAPS) >> 7;
        pdm->offset += (value - pdm->offset) >> OFFSET_SHIFT;
        int shift = 8 - gain_shift;
        value = (value - pdm->offset + (1 << (shift - 1))) >> shift;
        value = value > 32767 ? 32767 : value < -32768 ? -32768 : value;
        out[0] = (uint8_t)value;
        out[1] = (uint8_t)(value >> 8);
    }
}
