// SPDX-License-Identifier: Apache-2.0
// A fuzz target that does what Listener does with the core, as the given bytes say: hears hops, and
// begins and ends recordings, in buffers of exactly the size asked for, so that a sanitizer sees
// any access beyond them. It compares recordings with hops encoded one after another. With -DREPLAY
// it is a program whose arguments are the number of random inputs, and a seed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "micdsp.h"

enum { RING_MAX = 12, HOPS_MAX = 1 << 12, AT_ONCE = 3 };
enum { RECORD, STOP, HEAR };

static void require(bool right) {
    if (!right) {
        abort();
    }
}

static void *allocate(size_t bytes) {
    void *pointer = calloc(1, bytes);
    require(pointer != NULL);
    return pointer;
}

// Fills a hop with samples that follow from a number; 0 is silence, as in a new ring.
static void fill(uint8_t *hop, uint8_t number) {
    for (uint32_t i = 0; i < MICDSP_HOP_BYTES; i++) {
        hop[i] = (uint8_t)(i * i * number >> (number & 7));
    }
}

// What the recording must hold: the hops' numbers, and how far it has been compared.
typedef struct {
    uint8_t numbers[RING_MAX + HOPS_MAX];
    uint32_t count, compared, crc;
    micdsp_adpcm_t encoder;
} expected_t;

static void compare(expected_t *expected, const micdsp_tape_t *tape,
                    const micdsp_tape_buffers_t *buffers) {
    require(tape->recorded_bytes <= expected->count * MICDSP_HOP_ADPCM_BYTES);
    for (; expected->compared * MICDSP_HOP_ADPCM_BYTES < tape->recorded_bytes;
         expected->compared++) {
        uint8_t hop[MICDSP_HOP_BYTES], encoded[MICDSP_HOP_ADPCM_BYTES];
        fill(hop, expected->numbers[expected->compared]);
        micdsp_adpcm_encode(&expected->encoder, hop, MICDSP_HOP_SAMPLES, encoded);
        expected->crc = micdsp_crc32(expected->crc, encoded, sizeof encoded);
        size_t at = expected->compared * sizeof encoded;
        if (at + buffers->recording_bytes >= tape->recorded_bytes) { // It has not been overwritten.
            uint8_t *found = buffers->recording + at % buffers->recording_bytes;
            require(!memcmp(found, encoded, sizeof encoded));
        }
    }
    require(tape->crc == expected->crc);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size < 4 || size > HOPS_MAX) {
        return 0;
    }
    micdsp_tape_t tape = {0};
    micdsp_tape_buffers_t buffers = {NULL, NULL, 3 + input[0] % (RING_MAX - 2),
                                     (1 + input[1] % 16u) * MICDSP_HOP_ADPCM_BYTES};
    buffers.hops = allocate(buffers.hop_count * MICDSP_HOP_BYTES);
    buffers.recording = allocate(buffers.recording_bytes);
    micdsp_frontend_t *frontend = allocate(sizeof *frontend);
    micdsp_frontend_reset(frontend);
    micdsp_mean_t mean = {.size = (uint8_t)(input[2] | 1), .cutoff_sum = input[3] * 9};
    micdsp_mean_reset(&mean);
    expected_t *expected = allocate(sizeof *expected);
    uint8_t heard[RING_MAX + HOPS_MAX] = {0};
    uint32_t hops = buffers.hop_count; // In `heard`.
    for (size_t i = 4; i < size; i++) {
        uint8_t number = input[i] / 4;
        if (input[i] % 4 == RECORD) {
            memset(expected, 0, sizeof *expected);
            expected->count = buffers.hop_count;
            memcpy(expected->numbers, heard + hops - buffers.hop_count, buffers.hop_count);
            micdsp_tape_record(&tape, &buffers,
                               (buffers.hop_count + 1 + number) * MICDSP_HOP_ADPCM_BYTES);
            require(tape.recorded_bytes == 0);
        } else if (input[i] % 4 == STOP) {
            tape.whole_bytes = tape.recorded_bytes;
            tape.waiting = 0;
        } else {
            uint8_t *hop = allocate(MICDSP_HOP_BYTES);
            fill(hop, number);
            heard[hops++] = number;
            bool goes_on = tape.recorded_bytes < tape.whole_bytes;
            uint32_t had = tape.recorded_bytes;
            expected->numbers[expected->count] = number;
            expected->count += goes_on;
            bool whole = micdsp_tape_push(&tape, &buffers, hop);
            free(hop);
            require(tape.recorded_bytes - had <= AT_ONCE * MICDSP_HOP_ADPCM_BYTES);
            require(whole == (goes_on && tape.recorded_bytes == tape.whole_bytes));
            require(tape.waiting <= buffers.hop_count);
            if (!tape.waiting && tape.recorded_bytes < tape.whole_bytes) {
                require(tape.recorded_bytes == expected->count * MICDSP_HOP_ADPCM_BYTES);
            }
            compare(expected, &tape, &buffers);
            int16_t window[MICDSP_WINDOW_SAMPLES];
            uint16_t features[MICDSP_CHANNELS];
            int8_t row[MICDSP_CHANNELS];
            const int16_t *samples = micdsp_tape_window(&tape, &buffers, window);
            micdsp_frontend_frame(frontend, samples, features);
            micdsp_frontend_quantize(features, row, 0.3f, -128);
            micdsp_mean_push(&mean, (uint8_t)row[number % MICDSP_CHANNELS]);
        }
    }
    free(expected);
    free(frontend);
    free(buffers.recording);
    free(buffers.hops);
    return 0;
}

#ifdef REPLAY
int main(int count, char **arguments) {
    require(count == 3);
    srand((unsigned)atoi(arguments[2]));
    for (int left = atoi(arguments[1]); left; left--) {
        size_t size = (size_t)rand() % 300;
        uint8_t *input = allocate(size + 1);
        for (size_t i = 0; i < size; i++) {
            // Many hops for each of the rest.
            input[i] = (uint8_t)(rand() % 16 ? rand() | HEAR : rand());
        }
        LLVMFuzzerTestOneInput(input, size);
        free(input);
    }
    return 0;
}
#endif
