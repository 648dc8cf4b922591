// SPDX-License-Identifier: Apache-2.0
// Constant tables, written by make_pdm_tables.py into pdm_tables.c.
#ifndef MICDSP_PDM_TABLES_H
#define MICDSP_PDM_TABLES_H

#include <stdint.h>

// A byte value's part of the running sums, for each of the window's eight places, oldest first.
extern const uint16_t micdsp_pdm_sums[8 * 256];
// Q15, 128 kHz.
extern const int16_t micdsp_pdm_low_pass[160];

#endif
