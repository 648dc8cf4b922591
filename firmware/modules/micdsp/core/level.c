// SPDX-License-Identifier: Apache-2.0
// The level of samples, and the narrowing of 32-bit samples to 16 bits.
#include "bits.h"
#include "micdsp.h"

// Returns sum / count, which must fit 31 bits. It shifts and subtracts, as a 64-bit division, or a
// shift by a variable, would call libgcc on 32-bit targets.
static uint32_t quotient(uint64_t sum, size_t count) {
    uint64_t part = (uint64_t)count << 30;
    uint32_t result = 0;
    for (int bit = 30; bit >= 0; bit--, part >>= 1) {
        result <<= 1;
        if (sum >= part) {
            sum -= part;
            result |= 1;
        }
    }
    return result;
}

int32_t micdsp_level_rms(const void *samples, size_t sample_count) {
    if (sample_count == 0) {
        return 0;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < sample_count; i++) {
        int32_t sample = micdsp_load_sample(samples, i);
        sum += (uint32_t)(sample * sample);
    }
    uint32_t root = micdsp_sqrt32(quotient(sum, sample_count));
    return root < 32767 ? (int32_t)root : 32767;
}

int32_t micdsp_level_peak(const void *samples, size_t sample_count) {
    int32_t peak = 0;
    for (size_t i = 0; i < sample_count; i++) {
        int32_t sample = micdsp_load_sample(samples, i);
        int32_t magnitude = sample < 0 ? -sample : sample;
        if (magnitude > peak) {
            peak = magnitude;
        }
    }
    return peak;
}

void micdsp_narrow(const void *words, size_t sample_count, int gain_shift, void *samples) {
    for (size_t i = 0; i < sample_count; i++) {
        int32_t word;
        __builtin_memcpy(&word, (const uint8_t *)words + 4 * i, sizeof word);
        word >>= 16 - gain_shift;
        int16_t sample = (int16_t)(word > 32767 ? 32767 : word < -32768 ? -32768 : word);
        __builtin_memcpy((uint8_t *)samples + 2 * i, &sample, sizeof sample);
    }
}
