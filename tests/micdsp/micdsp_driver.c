// SPDX-License-Identifier: Apache-2.0
// Runs the core of micdsp over the samples on stdin, in pieces of uneven size, and writes the
// features to stdout. Every buffer is a heap block of its exact size, at an odd address every other
// time, so that sanitizers see a step beyond it.
#include "micdsp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *block(size_t bytes, size_t offset) {
    uint8_t *start = malloc(bytes + offset);
    if (start == NULL) {
        exit(1);
    }
    return start + offset;
}

static void run(micdsp_frontend_t *frontend, micdsp_adpcm_t *encoder, const uint8_t *samples,
                size_t count, size_t offset) {
    size_t due = micdsp_frontend_frames(frontend, count);
    uint8_t *features = block(2 * MICDSP_CHANNELS * due, offset);
    if (micdsp_frontend_process(frontend, samples, count, features) != due) {
        exit(2);
    }
    fwrite(features, 2 * MICDSP_CHANNELS, due, stdout);
    if (due) {
        int8_t *inputs = (int8_t *)block(MICDSP_CHANNELS, offset);
        micdsp_frontend_quantize(features, inputs, 0.3831f, -128);
        micdsp_frontend_quantize(features, inputs, 1e30f, 127);
        free(inputs - offset);
    }
    free(features - offset);

    uint8_t *encoded = block(count / 2, offset);
    micdsp_adpcm_encode(encoder, samples, count & ~(size_t)1, encoded);
    free(encoded - offset);
    if (micdsp_level_rms(samples, count) > micdsp_level_peak(samples, count)) {
        exit(3);
    }
}

int main(void) {
    static const size_t counts[] = {0, 1, 2, 159, 160, 161, 7, 480, 1000, 33};
    micdsp_frontend_t *frontend = (micdsp_frontend_t *)block(sizeof *frontend, 0);
    micdsp_frontend_reset(frontend);
    micdsp_adpcm_t encoder = {0, 0};
    for (size_t i = 0;; i++) {
        size_t count = counts[i % 10], offset = i / 10 % 2;
        uint8_t *samples = block(2 * count, offset);
        size_t got = fread(samples, 2, count, stdin);
        uint8_t *exact = block(2 * got, offset);
        memcpy(exact, samples, 2 * got);
        free(samples - offset);
        run(frontend, &encoder, exact, got, offset);
        free(exact - offset);
        if (got < count) {
            break;
        }
    }
    free(frontend);
    return 0;
}
