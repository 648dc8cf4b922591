// SPDX-License-Identifier: Apache-2.0
#include "stages.h"

#define SMOOTHING_BITS 10
// Q14 of 0.025 and 0.06, for channels of even and odd number, and of 0.05.
#define EVEN_SMOOTHING 409
#define ODD_SMOOTHING 983
#define MIN_SIGNAL_REMAINING 819

void micdsp_noise_reduce(uint32_t *noise, uint32_t *channels) {
    for (int i = 0; i < MICDSP_CHANNELS; i++) {
        // Channels are below 2^21, so neither this nor the estimate reaches 2^31.
        uint32_t signal = channels[i] << SMOOTHING_BITS;
        int32_t smoothing = i & 1 ? ODD_SMOOTHING : EVEN_SMOOTHING;
        int64_t step = (int64_t)(int32_t)(signal - noise[i]) * smoothing;
        noise[i] += (uint32_t)(step >> 14);
        uint32_t remaining = signal > noise[i] ? (signal - noise[i]) >> SMOOTHING_BITS : 0;
        uint32_t least = channels[i] * MIN_SIGNAL_REMAINING >> 14;
        channels[i] = remaining > least ? remaining : least;
    }
}
