// SPDX-License-Identifier: Apache-2.0
// Subtracts a slow estimate of the noise from each channel.
#include "bits.h"
#include "stages.h"

#if MICDSP_MVE
#include <arm_mve.h>
#endif

#define SMOOTHING_BITS 10
// 0.025 and 0.06 in Q14, for channels of even and odd number, and 0.05.
#define EVEN_SMOOTHING 409
#define ODD_SMOOTHING 983
#define MIN_SIGNAL_REMAINING 819

void micdsp_noise_reduce(uint32_t *noise, uint32_t *channels) {
#if MICDSP_MVE
    // Lanes of even channels, then of odd ones.
    uint32x4_t odd = vandq_u32(vidupq_n_u32(0, 1), vdupq_n_u32(1));
    int32x4_t smoothing = vreinterpretq_s32_u32(
        vaddq_n_u32(vmulq_n_u32(odd, ODD_SMOOTHING - EVEN_SMOOTHING), EVEN_SMOOTHING));
    for (int i = 0; i < MICDSP_CHANNELS; i += 4) {
        uint32x4_t channel = vld1q_u32(channels + i);
        int32x4_t signal = vreinterpretq_s32_u32(vshlq_n_u32(channel, SMOOTHING_BITS));
        int32x4_t estimate = vreinterpretq_s32_u32(vld1q_u32(noise + i));
        int32x4_t difference = vsubq_s32(signal, estimate);
        // Bits 14 to 45 of the product.
        uint32x4_t low = vreinterpretq_u32_s32(vmulq_s32(difference, smoothing));
        int32x4_t step = vsliq_n_s32(vreinterpretq_s32_u32(vshrq_n_u32(low, 14)),
                                     vmulhq_s32(difference, smoothing), 18);
        estimate = vaddq_s32(estimate, step);
        vst1q_u32(noise + i, vreinterpretq_u32_s32(estimate));
        int32x4_t remaining = vmaxq_s32(vsubq_s32(signal, estimate), vdupq_n_s32(0));
        uint32x4_t least = vshrq_n_u32(vmulq_n_u32(channel, MIN_SIGNAL_REMAINING), 14);
        uint32x4_t rest = vshrq_n_u32(vreinterpretq_u32_s32(remaining), SMOOTHING_BITS);
        vst1q_u32(channels + i, vmaxq_u32(rest, least));
    }
#else
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
#endif
}
