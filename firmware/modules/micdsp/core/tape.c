// SPDX-License-Identifier: Apache-2.0
// Keeps the most recent hops, and records them as IMA ADPCM.
#include "micdsp.h"
#include <string.h>

// It takes four bits at a time: a table for eight would take a kilobyte.
uint32_t micdsp_crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
    static const uint32_t rests[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ rests[crc & 15];
        crc = crc >> 4 ^ rests[crc & 15];
    }
    return ~crc;
}

static void encode(micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers, uint32_t slot) {
    if (tape->recorded_bytes >= tape->whole_bytes) {
        return;
    }
    const uint8_t *samples = buffers->hops + (size_t)slot * MICDSP_HOP_BYTES;
    uint8_t *out = buffers->recording + tape->recorded_bytes % buffers->recording_bytes;
    micdsp_adpcm_encode(&tape->encoder, samples, MICDSP_HOP_SAMPLES, out);
    tape->crc = micdsp_crc32(tape->crc, out, MICDSP_HOP_ADPCM_BYTES);
    tape->recorded_bytes += MICDSP_HOP_ADPCM_BYTES;
}

// Encodes the oldest waiting hops, at most so many.
static void catch_up(micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers, uint32_t hops) {
    for (; hops && tape->waiting; hops--, tape->waiting--) {
        uint32_t slot = tape->next + buffers->hop_count - tape->waiting;
        encode(tape, buffers, slot < buffers->hop_count ? slot : slot - buffers->hop_count);
    }
}

void micdsp_tape_record(micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers,
                        uint32_t whole_bytes) {
    memset(&tape->encoder, 0, sizeof tape->encoder);
    tape->waiting = buffers->hop_count;
    tape->recorded_bytes = 0;
    tape->whole_bytes = whole_bytes;
    tape->crc = 0;
}

const int16_t *micdsp_tape_window(const micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers,
                                  int16_t *window) {
    enum { HOPS = MICDSP_WINDOW_SAMPLES / MICDSP_HOP_SAMPLES };
    const uint8_t *end = buffers->hops + (size_t)tape->next * MICDSP_HOP_BYTES;
    if (tape->next >= HOPS || tape->next == 0) {
        end += tape->next ? 0 : (size_t)buffers->hop_count * MICDSP_HOP_BYTES;
        return (const int16_t *)(const void *)(end - HOPS * MICDSP_HOP_BYTES);
    }
    size_t late = tape->next * MICDSP_HOP_BYTES, early = HOPS * MICDSP_HOP_BYTES - late;
    const uint8_t *ring_end = buffers->hops + (size_t)buffers->hop_count * MICDSP_HOP_BYTES;
    memcpy(window, ring_end - early, early);
    memcpy((uint8_t *)window + early, buffers->hops, late);
    return window;
}

bool micdsp_tape_push(micdsp_tape_t *tape, const micdsp_tape_buffers_t *buffers,
                      const void *samples) {
    // The first two of them include the one that waits longest, whose slot the new hop takes.
    enum { BEFORE = 2, AFTER = 1 };
    bool goes_on = tape->recorded_bytes < tape->whole_bytes;
    catch_up(tape, buffers, BEFORE);
    memcpy(buffers->hops + (size_t)tape->next * MICDSP_HOP_BYTES, samples, MICDSP_HOP_BYTES);
    tape->next = tape->next + 1 < buffers->hop_count ? tape->next + 1 : 0;
    tape->waiting += goes_on;
    catch_up(tape, buffers, AFTER);
    if (tape->recorded_bytes < tape->whole_bytes) {
        return false;
    }
    tape->waiting = 0;
    return goes_on;
}
