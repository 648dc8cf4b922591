// SPDX-License-Identifier: Apache-2.0
// Microphone signal processing in fixed point: wake word features, IMA ADPCM, level.
//
// Samples are 16-bit little-endian mono; sample and feature pointers need no alignment. No function
// allocates, keeps static state or calls libm.
#ifndef MICDSP_H
#define MICDSP_H

#include <stddef.h>
#include <stdint.h>

#define MICDSP_RATE_HZ 16000
#define MICDSP_WINDOW_SAMPLES 480
#define MICDSP_HOP_SAMPLES 160
#define MICDSP_CHANNELS 40

typedef struct {
    int16_t re, im;
} micdsp_complex_t;

// One stream of features. Set up with micdsp_frontend_reset; the fields are private.
typedef struct {
    uint32_t noise[MICDSP_CHANNELS]; // slow estimate, scaled up by 2^10
    union {
        micdsp_complex_t bins[256];
        uint32_t energy[256];
    } spectrum;
    union {
        // Zero beyond the window: the FFT reads 512.
        int16_t windowed[512];
        uint32_t channels[MICDSP_CHANNELS];
    } work;
    int16_t samples[MICDSP_WINDOW_SAMPLES];
    size_t sample_count;
} micdsp_frontend_t;

// Back to the state before the first sample.
void micdsp_frontend_reset(micdsp_frontend_t *frontend);

// Number of frames that sample_count more samples complete.
size_t micdsp_frontend_frames(const micdsp_frontend_t *frontend, size_t sample_count);

// Takes all samples; writes each frame completed, MICDSP_CHANNELS uint16 values, to features and
// returns their number. features must have room for micdsp_frontend_frames(). Equal, value for
// value, to TensorFlow's microfrontend in microWakeWord's settings, however samples are cut.
size_t micdsp_frontend_process(micdsp_frontend_t *frontend, const void *samples,
                               size_t sample_count, void *features);

// One frame as a model's int8 input: feature * ratio + zero_point, rounded half to even and
// saturated. ratio is 0.0390625 / scale of the input tensor; it must be positive.
void micdsp_frontend_quantize(const void *features, int8_t *out, float ratio, int32_t zero_point);

typedef struct {
    int16_t predictor;
    uint8_t index; // into the table of steps, 0..88
} micdsp_adpcm_t;

// Encodes an even number of samples, two to a byte, the first in the low nibble. A zeroed state
// starts a stream.
void micdsp_adpcm_encode(micdsp_adpcm_t *encoder, const void *samples, size_t sample_count,
                         uint8_t *out);

// Root of the mean square, rounded down, 0..32767.
int32_t micdsp_level_rms(const void *samples, size_t sample_count);

// Largest magnitude, 0..32768.
int32_t micdsp_level_peak(const void *samples, size_t sample_count);

// Samples of the highest bits of int32 words, as microphones with I2S give 24 bits in 32; doubled
// gain_shift (0..15) times and saturated. samples may be words.
void micdsp_narrow(const void *words, size_t sample_count, int gain_shift, void *samples);

#endif
