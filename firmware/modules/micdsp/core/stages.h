// SPDX-License-Identifier: Apache-2.0
// The stages of the front-end, in the order in which frontend.c runs them.
#ifndef MICDSP_STAGES_H
#define MICDSP_STAGES_H

#include "micdsp.h"

// Applies a Hann window, Q12. Returns the left shift that brings the largest value to 15 bits.
int micdsp_window_apply(const int16_t *restrict samples, int16_t *restrict windowed);

// Shifts the 512 windowed values left, and applies a real FFT of 512; leaves the energies of bins
// MICDSP_FIRST_BIN..MICDSP_END_BIN - 1 in spectrum, 256 values aligned to 4 bytes, as uint32. The
// FFT is scaled by 1/512 on its way.
void micdsp_fft_energy(const int16_t *windowed, int shift, micdsp_complex_t *spectrum);

// Computes the square roots of the energies under MICDSP_CHANNELS mel filters, shifted back right.
void micdsp_filterbank_apply(const uint32_t *energy, int shift, uint32_t *channels);

// Subtracts a slow estimate of the noise from each channel, and updates the estimate.
void micdsp_noise_reduce(uint32_t *noise, uint32_t *channels);

// Applies automatic gain per channel, from the noise estimate.
void micdsp_pcan_apply(const uint32_t *noise, uint32_t *channels);

// Computes 64 times the natural logarithm, as uint16; features needs no alignment.
void micdsp_log_scale(const uint32_t *channels, void *features);

#endif
