// SPDX-License-Identifier: Apache-2.0
// The mel filterbank: sums the FFT's powers in 40 channels, and takes square roots.
#include "bits.h"
#include "stages.h"
#include "tables.h"

uint32_t micdsp_sqrt32(uint32_t x) {
    if (x == 0) {
        return 0;
    }
    // With the top bits in place, one Newton step from a table by the top byte is at most 2 too
    // large.
    int shift = (32 - micdsp_bit_length(x)) & ~1;
    uint32_t scaled = x << shift;
    uint32_t root = (uint32_t)micdsp_sqrt_seeds[(scaled >> 24) - 64] << 8;
    root = (root + scaled / root) >> 1;
    if (root > 0xFFFF) {
        root = 0xFFFF;
    }
    while (root * root > scaled) {
        root--;
    }
    return root >> (shift / 2);
}

#if !MICDSP_MVE

// Square root rounded to nearest, for x below 2^42.
//
// Larger sums cannot come: windowed values fit 16 bits and the FFT scales by 1/512, so the energies
// of all bins together stay below 2^29 (Parseval; wrapping only lessens them), and weights are at
// most 2^12.
static uint32_t rounded_sqrt(uint64_t x) {
#if defined(__ARM_FP) && (__ARM_FP & 4) && !defined(MICDSP_PORTABLE)
    // The FPU's root is at most 1 from the root rounded down.
    float root_f = (float)(uint32_t)(x >> 32) * 4294967296.0f + (float)(uint32_t)x;
    __asm__("vsqrt.f32 %0, %0" : "+t"(root_f));
    uint32_t root = (uint32_t)root_f;
    // It fits 32 bits, as does twice the root, whatever the FPU rounded.
    int32_t rest = (int32_t)((uint32_t)x - root * root);
    if (rest < 0) {
        root--;
        rest += (int32_t)(2 * root + 1);
    }
    if (rest > (int32_t)(2 * root)) {
        rest -= (int32_t)(2 * root + 1);
        root++;
    }
    // The original does not round 65535 up.
    return root + (rest > (int32_t)root && root != 0xFFFF);
#else
    uint32_t high = (uint32_t)(x >> 32), low = (uint32_t)x;
    if (high == 0) {
        uint32_t root = micdsp_sqrt32(low);
        // The original does not round 65535 up.
        return root + (low - root * root > root && root != 0xFFFF);
    }
    // The root of the top 32 bits, then the other bits of the root by one division: x = (root +
    // more)^2 with more = (x - root^2) / (2 root), which is below 2^5 and at most 1 too large.
    int shift = (micdsp_bit_length(high) + 1) / 2;
    uint32_t top = high << (32 - 2 * shift) | low >> (2 * shift);
    uint32_t root = micdsp_sqrt32(top);
    int32_t rest = (int32_t)((top - root * root) << (2 * shift) | (low & ((1u << 2 * shift) - 1)));
    root <<= shift;
    uint32_t more = (uint32_t)rest / (2 * root);
    rest -= (int32_t)(more * (2 * root + more));
    root += more;
    if (rest < 0) {
        root--;
        rest += (int32_t)(2 * root + 1);
    }
    return root + ((uint32_t)rest > root);
#endif
}

void micdsp_filterbank_apply(const uint32_t *energy, int shift, uint32_t *channels) {
    const uint16_t *weights = micdsp_band_weights;
    const uint32_t *bin = energy + MICDSP_FIRST_BIN;
    uint64_t rising = 0;
    // Band i is where filter i - 1 falls by the weights and filter i rises by what they leave of 1.
    for (int i = 0; i <= MICDSP_CHANNELS; i++) {
        const uint32_t *end = energy + micdsp_band_ends[i];
        uint64_t falling = 0;
        uint32_t sum = 0;
        while (bin < end) {
            sum += *bin;
            falling += (uint64_t)*bin++ * *weights++;
        }
        if (i > 0) {
            channels[i - 1] = rounded_sqrt(rising + falling) >> shift;
        }
        rising = ((uint64_t)sum << 12) - falling;
    }
}

#endif
