// SPDX-License-Identifier: Apache-2.0
#include "flatbuffer.h"

#include <stddef.h>
#include <string.h>

static bool readable(fb_t *fb, uint32_t at, uint32_t bytes) {
    if (fb->bad || at > fb->size || bytes > fb->size - at) {
        fb->bad = true;
        return false;
    }
    return true;
}

uint8_t fb_u8(fb_t *fb, uint32_t at) {
    return readable(fb, at, 1) ? fb->data[at] : 0;
}

uint16_t fb_u16(fb_t *fb, uint32_t at) {
    return readable(fb, at, 2) ? (uint16_t)(fb->data[at] | fb->data[at + 1] << 8) : 0;
}

uint32_t fb_u32(fb_t *fb, uint32_t at) {
    uint32_t low = fb_u16(fb, at);
    return low | (uint32_t)fb_u16(fb, at + 2) << 16;
}

uint64_t fb_u64(fb_t *fb, uint32_t at) {
    uint64_t low = fb_u32(fb, at);
    return low | (uint64_t)fb_u32(fb, at + 4) << 32;
}

float fb_f32(fb_t *fb, uint32_t at) {
    uint32_t bits = fb_u32(fb, at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint32_t fb_follow(fb_t *fb, uint32_t at) {
    uint32_t distance = fb_u32(fb, at);
    if (!distance || distance >= fb->size - at) {
        fb->bad = true;
    }
    return fb->bad ? 0 : at + distance;
}

uint32_t fb_field(fb_t *fb, uint32_t table, unsigned id) {
    if (!table) {
        return 0;
    }
    // Signed; where it wraps around, the result is beyond the end.
    uint32_t vtable = table - fb_u32(fb, table);
    uint16_t vtable_bytes = fb_u16(fb, vtable);
    if (vtable_bytes < 4 + 2 * id + 2) {
        return 0;
    }
    uint16_t offset = fb_u16(fb, vtable + 4 + 2 * id);
    if (!offset) {
        return 0;
    }
    return readable(fb, table, offset + 1u) ? table + offset : 0;
}

int32_t fb_field_i32(fb_t *fb, uint32_t table, unsigned id, int32_t otherwise) {
    uint32_t at = fb_field(fb, table, id);
    return at ? (int32_t)fb_u32(fb, at) : otherwise;
}

uint8_t fb_field_u8(fb_t *fb, uint32_t table, unsigned id, uint8_t otherwise) {
    uint32_t at = fb_field(fb, table, id);
    return at ? fb_u8(fb, at) : otherwise;
}

float fb_field_f32(fb_t *fb, uint32_t table, unsigned id, float otherwise) {
    uint32_t at = fb_field(fb, table, id);
    return at ? fb_f32(fb, at) : otherwise;
}

uint32_t fb_field_table(fb_t *fb, uint32_t table, unsigned id) {
    uint32_t at = fb_field(fb, table, id);
    return at ? fb_follow(fb, at) : 0;
}

fb_vector_t fb_field_vector(fb_t *fb, uint32_t table, unsigned id, uint32_t element_bytes) {
    fb_vector_t vector = {0, 0};
    uint32_t at = fb_field_table(fb, table, id);
    if (at) {
        uint32_t count = fb_u32(fb, at);
        if (!fb->bad && count <= (fb->size - at - 4) / element_bytes) {
            vector.at = at + 4;
            vector.count = count;
        } else {
            fb->bad = true;
        }
    }
    return vector;
}

uint32_t fb_element_table(fb_t *fb, fb_vector_t vector, uint32_t i) {
    return i < vector.count ? fb_follow(fb, vector.at + 4 * i) : 0;
}

int32_t fb_element_i32(fb_t *fb, fb_vector_t vector, uint32_t i) {
    if (i >= vector.count) {
        fb->bad = true;
        return 0;
    }
    return (int32_t)fb_u32(fb, vector.at + 4 * i);
}
