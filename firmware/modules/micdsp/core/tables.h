// SPDX-License-Identifier: Apache-2.0
// Constant tables, written by make_tables.py into tables.c.
#ifndef MICDSP_TABLES_H
#define MICDSP_TABLES_H

#include <stdint.h>

// FFT bins in use: 31.25 Hz each, 156 Hz to 7469 Hz.
#define MICDSP_FIRST_BIN 5
#define MICDSP_END_BIN 240
#define MICDSP_REAL_TWIDDLES (128 - MICDSP_FIRST_BIN + 1)

extern const int16_t micdsp_window[480];
// Aligned for loads of whole complex values.
extern const int16_t micdsp_twiddles[2 * 3 * (4 + 16 + 64)] __attribute__((aligned(4)));
extern const int16_t micdsp_real_twiddles[2 * MICDSP_REAL_TWIDDLES];
extern const uint8_t micdsp_band_ends[41];
extern const uint16_t micdsp_band_weights[MICDSP_END_BIN - MICDSP_FIRST_BIN];
extern const uint8_t micdsp_sqrt_seeds[192];
extern const int16_t micdsp_pcan_gains[126];
extern const uint16_t micdsp_log2_bows[129];

#endif
