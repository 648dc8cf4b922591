// SPDX-License-Identifier: Apache-2.0
// The last stage of the front-end: the logarithm of each channel.
#include "bits.h"
#include "stages.h"
#include "tables.h"

#define CORRECTION_BITS 3
#define SCALE_SHIFT 6
#define LN2_Q16 45426

// log2 in Q16: the bit length, the bits below the highest, and from a table how far log2(1 + x)
// lies above x. The table's slope within a segment is scaled as in the original.
static uint32_t log2_q16(uint32_t x) {
    int whole = micdsp_bit_length(x) - 1;
    uint32_t below = x - (1u << whole);
    uint32_t fraction = whole < 16 ? below << (16 - whole) : below >> (whole - 16);
    const uint16_t *bow = micdsp_log2_bows + (fraction >> 9);
    int32_t rise = ((bow[1] - bow[0]) * (int32_t)(fraction & 511)) >> 16;
    return ((uint32_t)whole << 16) + fraction + bow[0] + (uint32_t)rise;
}

void micdsp_log_scale(const uint32_t *channels, void *features) {
    uint8_t *out = features;
    for (int i = 0; i < MICDSP_CHANNELS; i++) {
        uint32_t value = channels[i] << CORRECTION_BITS;
        uint16_t scaled = 0;
        if (value > 1) {
            uint32_t ln = (uint32_t)(((uint64_t)LN2_Q16 * log2_q16(value) + (1 << 15)) >> 16);
            scaled = (uint16_t)(((ln << SCALE_SHIFT) + (1 << 15)) >> 16);
        }
        __builtin_memcpy(out + 2 * i, &scaled, sizeof scaled);
    }
}
