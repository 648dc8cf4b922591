// SPDX-License-Identifier: Apache-2.0
// IMA ADPCM, as in "Recommended Practices for Enhancing Digital Audio Compatibility in Multimedia
// Systems", Interactive Multimedia Association, 1992.
#include "bits.h"
#include "micdsp.h"

static const uint16_t steps[89] = {
    7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,   21,    23,
    25,    28,    31,    34,    37,    41,    45,    50,    55,    60,    66,   73,    80,
    88,    97,    107,   118,   130,   143,   157,   173,   190,   209,   230,  253,   279,
    307,   337,   371,   408,   449,   494,   544,   598,   658,   724,   796,  876,   963,
    1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,  2272,  2499,  2749, 3024,  3327,
    3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,  9493, 10442, 11487,
    12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767};

// Indexed by the three magnitude bits of a code.
static const int8_t index_changes[8] = {-1, -1, -1, -1, 2, 4, 6, 8};

static uint8_t encode_sample(micdsp_adpcm_t *encoder, int32_t sample) {
    int32_t step = steps[encoder->index];
    int32_t difference = sample - encoder->predictor;
    uint8_t sign = 0, magnitude = 0;
    if (difference < 0) {
        sign = 8;
        difference = -difference;
    }
    // The decoder will add (magnitude + 1/2) * step / 4, with each part rounded down.
    int32_t decoded = step >> 3;
    for (uint8_t bit = 4; bit; bit >>= 1, step >>= 1) {
        if (difference >= step) {
            magnitude |= bit;
            difference -= step;
            decoded += step;
        }
    }
    int32_t predictor = encoder->predictor + (sign ? -decoded : decoded);
    int32_t index = encoder->index + index_changes[magnitude];
    encoder->predictor = (int16_t)(predictor > 32767    ? 32767
                                   : predictor < -32768 ? -32768
                                                        : predictor);
    encoder->index = (uint8_t)(index > 88 ? 88 : index < 0 ? 0 : index);
    return sign | magnitude;
}

void micdsp_adpcm_encode(micdsp_adpcm_t *encoder, const void *samples, size_t sample_count,
                         uint8_t *out) {
    micdsp_adpcm_t state = *encoder; // in registers, as bytes may be written anywhere
    for (size_t i = 0; i + 1 < sample_count; i += 2) {
        uint8_t low = encode_sample(&state, micdsp_load_sample(samples, i));
        uint8_t high = encode_sample(&state, micdsp_load_sample(samples, i + 1));
        *out++ = (uint8_t)(low | high << 4);
    }
    *encoder = state;
}
