// SPDX-License-Identifier: Apache-2.0
// Microphone signal processing in fixed point: wake word features and their sliding mean, IMA ADPCM
// and its recording, level.
//
// Samples are 16-bit little-endian mono; sample and feature pointers need no alignment. No function
// allocates, keeps static state or calls libm.
#ifndef MICDSP_H
#define MICDSP_H

#include <stdbool.h>
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

// Restores the state before the first sample.
void micdsp_frontend_reset(micdsp_frontend_t *frontend);

// Returns the number of frames that sample_count more samples complete.
size_t micdsp_frontend_frames(const micdsp_frontend_t *frontend, size_t sample_count);

// Takes all samples; writes each completed frame, MICDSP_CHANNELS uint16 values, to features and
// returns their number. features must have room for micdsp_frontend_frames(). Every value equals
// that of TensorFlow's microfrontend with microWakeWord's settings, however samples are split.
size_t micdsp_frontend_process(micdsp_frontend_t *frontend, const void *samples,
                               size_t sample_count, void *features);

// The same for one whole window, MICDSP_WINDOW_SAMPLES aligned samples, each a hop after the one
// before; for callers whose samples are contiguous anyway.
void micdsp_frontend_frame(micdsp_frontend_t *frontend, const int16_t *samples, void *features);

// Converts one frame to a model's int8 input: feature * ratio + zero_point, rounded half to even
// and saturated. ratio is 0.0390625 / scale of the input tensor; it must be positive.
void micdsp_frontend_quantize(const void *features, int8_t *out, float ratio, int32_t zero_point);

typedef struct {
    int16_t predictor;
    uint8_t index; // into the table of steps, 0..88
} micdsp_adpcm_t;

// Encodes an even number of samples, two to a byte, the first in the low nibble. A zeroed state
// starts a stream.
void micdsp_adpcm_encode(micdsp_adpcm_t *encoder, const void *samples, size_t sample_count,
                         uint8_t *out);

#define MICDSP_HOP_BYTES (2 * MICDSP_HOP_SAMPLES)
#define MICDSP_HOP_ADPCM_BYTES (MICDSP_HOP_SAMPLES / 2)

// The last hops of a microphone, and a recording that begins with them. If zeroed, it has no
// recording; the fields are private.
typedef struct {
    uint32_t next;           // slot of the ring
    uint32_t waiting;        // hops before it that are not in the recording yet
    uint32_t recorded_bytes; // while less than whole_bytes, the recording goes on
    uint32_t whole_bytes;
    uint32_t crc; // CRC-32 of the recording so far
    micdsp_adpcm_t encoder;
} micdsp_tape_t;

// A tape's memory, which belongs to the caller: an aligned ring of at least one hop, and another
// for the recording, a multiple of MICDSP_HOP_ADPCM_BYTES.
typedef struct {
    uint8_t *hops, *recording;
    uint32_t hop_count, recording_bytes;
} micdsp_tape_buffers_t;

// Begins a recording with all hops of the ring, the oldest first; whole_bytes is a multiple of
// MICDSP_HOP_ADPCM_BYTES. If its ring is full, the oldest bytes are overwritten. This call encodes
// nothing: each new hop encodes three, until none waits.
void micdsp_tape_record(micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers,
                        uint32_t whole_bytes);

// Returns the last MICDSP_WINDOW_SAMPLES of the ring, which must have room for them: in place, or a
// copy in `window` if the ring's end lies between them.
const int16_t *micdsp_tape_window(const micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers,
                                  int16_t *window);

// Takes a hop; returns whether it completes the recording.
bool micdsp_tape_push(micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers,
                      const void *samples);

// Returns the CRC-32, as in zlib, of bytes that follow those of `crc`; it starts at 0.
uint32_t micdsp_crc32(uint32_t crc, const uint8_t *bytes, size_t count);

// The sliding mean of a model's outputs against a cutoff, in integers. Set size and cutoff_sum, and
// the rest to zero.
typedef struct {
    int32_t sum;        // of the last `size` outputs
    int32_t cutoff_sum; // the mean is active while the sum exceeds it
    uint8_t size;       // 1..255
    uint8_t next, heard;
    bool active;
    uint8_t outputs[255];
} micdsp_mean_t;

void micdsp_mean_reset(micdsp_mean_t *mean);

// Takes an output; returns whether the mean becomes active with it. The mean counts only once there
// have been `size` outputs.
bool micdsp_mean_push(micdsp_mean_t *mean, uint8_t output);

// Returns the root of the mean square, rounded down, 0..32767.
int32_t micdsp_level_rms(const void *samples, size_t sample_count);

// Returns the largest magnitude, 0..32768.
int32_t micdsp_level_peak(const void *samples, size_t sample_count);

// Makes samples of the highest bits of int32 words, as I2S microphones give 24 bits in 32; doubles
// them gain_shift (0..15) times, and saturates. samples may be words.
void micdsp_narrow(const void *words, size_t sample_count, int gain_shift, void *samples);

#endif
