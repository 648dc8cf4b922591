// SPDX-License-Identifier: Apache-2.0
// Runs the core of micdsp over the samples on stdin, in pieces of uneven size, and writes the
// features to stdout. Every buffer is a heap block of its exact size, every other time at an odd
// address, so that sanitizers see any access beyond it.
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

// Records at every tenth hop, with ring and recording in heap blocks of exact size.
static void listen(micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers, micdsp_mean_t *mean,
                   const uint8_t *samples, size_t count) {
    int16_t *window = (int16_t *)block(2 * MICDSP_WINDOW_SAMPLES, 0);
    for (size_t i = 0; i + MICDSP_HOP_SAMPLES <= count; i += MICDSP_HOP_SAMPLES) {
        bool whole = micdsp_tape_push(tape, buffers, samples + 2 * i);
        if (whole && tape->recorded_bytes != tape->whole_bytes) {
            exit(4);
        }
        const int16_t *last = micdsp_tape_window(tape, buffers, window);
        const uint8_t *end = (const uint8_t *)(last + MICDSP_WINDOW_SAMPLES);
        if (memcmp(end - MICDSP_HOP_BYTES, samples + 2 * i, MICDSP_HOP_BYTES)) {
            exit(5);
        }
        if (micdsp_mean_push(mean, end[-1]) && mean->sum <= mean->cutoff_sum) {
            exit(6);
        }
        if (tape->crc % 10 == 0) {
            micdsp_tape_record(tape, buffers, MICDSP_HOP_ADPCM_BYTES * (tape->crc % 97 + 1));
        }
    }
    free(window);
}

int main(void) {
    static const size_t counts[] = {0, 1, 2, 159, 160, 161, 7, 480, 1000, 33};
    micdsp_frontend_t *frontend = (micdsp_frontend_t *)block(sizeof *frontend, 0);
    micdsp_frontend_reset(frontend);
    micdsp_adpcm_t encoder = {0, 0};
    micdsp_tape_t tape = {0};
    micdsp_mean_t mean = {.size = 255, .cutoff_sum = 200};
    micdsp_tape_buffers_t buffers = {block(7 * MICDSP_HOP_BYTES, 0),
                                     block(3 * MICDSP_HOP_ADPCM_BYTES, 0), 7,
                                     3 * MICDSP_HOP_ADPCM_BYTES};
    for (size_t i = 0;; i++) {
        size_t count = counts[i % 10], offset = i / 10 % 2;
        uint8_t *samples = block(2 * count, offset);
        size_t got = fread(samples, 2, count, stdin);
        uint8_t *exact = block(2 * got, offset);
        memcpy(exact, samples, 2 * got);
        free(samples - offset);
        run(frontend, &encoder, exact, got, offset);
        listen(&tape, &buffers, &mean, exact, got);
        free(exact - offset);
        if (got < count) {
            break;
        }
    }
    free(buffers.hops);
    free(buffers.recording);
    free(frontend);
    return 0;
}
