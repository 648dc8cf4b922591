// SPDX-License-Identifier: Apache-2.0
// Runs the stages of the front-end on samples, and quantizes features for a model.
#include "bits.h"
#include "stages.h"
#include <string.h>

#if MICDSP_MVE
#include <arm_mve.h>
#endif

void micdsp_frontend_reset(micdsp_frontend_t *frontend) {
    memset(frontend, 0, sizeof *frontend);
}

size_t micdsp_frontend_frames(const micdsp_frontend_t *frontend, size_t sample_count) {
    size_t missing = MICDSP_WINDOW_SAMPLES - frontend->sample_count;
    return sample_count < missing ? 0 : 1 + (sample_count - missing) / MICDSP_HOP_SAMPLES;
}

void micdsp_frontend_frame(micdsp_frontend_t *frontend, const int16_t *samples, void *features) {
    int shift = micdsp_window_apply(samples, frontend->work.windowed);
    micdsp_fft_energy(frontend->work.windowed, shift, frontend->spectrum.bins);
    uint32_t *channels = frontend->work.channels;
    micdsp_filterbank_apply(frontend->spectrum.energy, shift, channels);
    micdsp_noise_reduce(frontend->noise, channels);
    micdsp_pcan_apply(frontend->noise, channels);
    micdsp_log_scale(channels, features);
}

size_t micdsp_frontend_process(micdsp_frontend_t *frontend, const void *samples,
                               size_t sample_count, void *features) {
    const uint8_t *in = samples;
    uint8_t *out = features;
    size_t frames = 0;
    while (sample_count) {
        size_t count = MICDSP_WINDOW_SAMPLES - frontend->sample_count;
        if (count > sample_count) {
            count = sample_count;
        }
        memcpy(frontend->samples + frontend->sample_count, in, 2 * count);
        in += 2 * count;
        sample_count -= count;
        frontend->sample_count += count;
        if (frontend->sample_count == MICDSP_WINDOW_SAMPLES) {
            micdsp_frontend_frame(frontend, frontend->samples, out);
            out += MICDSP_CHANNELS * sizeof(uint16_t);
            frames++;
            frontend->sample_count -= MICDSP_HOP_SAMPLES;
            memmove(frontend->samples, frontend->samples + MICDSP_HOP_SAMPLES,
                    2 * frontend->sample_count);
        }
    }
    return frames;
}

// Splits a positive float into its integer part and 32 bits of fraction. It works on the float's
// bits, as float arithmetic calls libgcc where there is no FPU. From 256 on it gives 256, with
// which every feature but 0 saturates.
static void split(float x, uint32_t *whole, uint32_t *fraction) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    uint32_t mantissa = (bits & 0x7FFFFF) | 0x800000;
    int point = 150 - (int)(bits >> 23); // x is mantissa / 2^point
    if (point < 16) {
        *whole = 256;
        *fraction = 0;
    } else if (point < 32) {
        *whole = mantissa >> point;
        *fraction = mantissa << (32 - point);
    } else {
        *whole = 0;
        *fraction = point < 64 ? mantissa >> (point - 32) : 0;
    }
}

void micdsp_frontend_quantize(const void *features, int8_t *out, float ratio, int32_t zero_point) {
    uint32_t whole, fraction;
    split(ratio, &whole, &fraction);
#if MICDSP_MVE
    uint32x4_t half = vdupq_n_u32(0x80000000u);
    for (int i = 0; i < MICDSP_CHANNELS; i += 4) {
        uint16_t four[4];
        __builtin_memcpy(four, (const uint8_t *)features + 2 * i, sizeof four);
        uint32x4_t feature = vldrhq_u32(four);
        uint32x4_t rest = vmulq_n_u32(feature, fraction);
        uint32x4_t product = vmulhq_u32(feature, vdupq_n_u32(fraction));
        product = vaddq_u32(product, vmulq_n_u32(feature, whole));
        int32x4_t value = vaddq_n_s32(vreinterpretq_s32_u32(product), zero_point);
        // Rounds up above one half, and at one half if that gives an even number.
        uint32x4_t up = vandq_u32(vreinterpretq_u32_s32(value), vdupq_n_u32(1));
        up = vpselq_u32(up, vdupq_n_u32(0), vcmpeqq_u32(rest, half));
        up = vpselq_u32(vdupq_n_u32(1), up, vcmphiq_u32(rest, half));
        value = vaddq_s32(value, vreinterpretq_s32_u32(up));
        value = vmaxq_s32(vminq_s32(value, vdupq_n_s32(127)), vdupq_n_s32(-128));
        vstrbq_s32(out + i, value);
    }
#else
    for (int i = 0; i < MICDSP_CHANNELS; i++) {
        uint16_t feature;
        __builtin_memcpy(&feature, (const uint8_t *)features + 2 * i, sizeof feature);
        uint64_t product = (uint64_t)feature * fraction;
        uint32_t rest = (uint32_t)product;
        int32_t value = (int32_t)(feature * whole + (uint32_t)(product >> 32)) + zero_point;
        value += rest > 0x80000000u || (rest == 0x80000000u && (value & 1));
        out[i] = (int8_t)(value > 127 ? 127 : value < -128 ? -128 : value);
    }
#endif
}
