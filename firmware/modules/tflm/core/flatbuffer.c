// SPDX-License-Identifier: Apache-2.0
// Reads FlatBuffers, and checks every read.
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

uint32_t fb_read(fb_t *fb, uint32_t at, uint32_t bytes) {
    uint32_t value = 0;
    if (readable(fb, at, bytes)) {
        while (bytes-- > 0) {
            value = value << 8 | fb->data[at + bytes];
        }
    }
    return value;
}

uint32_t fb_u32(fb_t *fb, uint32_t at) {
    return fb_read(fb, at, 4);
}

int32_t fb_i64(fb_t *fb, uint32_t at) {
    int32_t low = (int32_t)fb_u32(fb, at), high = (int32_t)fb_u32(fb, at + 4);
    return high == low >> 31 ? low : high >> 31 ^ INT32_MAX;
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
    // The offset is signed; where this wraps around, the result is beyond the end.
    uint32_t vtable = table - fb_u32(fb, table);
    uint32_t entry = 4 + 2 * id;
    uint32_t offset = entry >= fb_read(fb, vtable, 2) ? 0 : fb_read(fb, vtable + entry, 2);
    return offset ? table + offset : 0;
}

int32_t fb_field_i32(fb_t *fb, uint32_t table, unsigned id, int32_t otherwise) {
    uint32_t at = fb_field(fb, table, id);
    return at ? (int32_t)fb_u32(fb, at) : otherwise;
}

uint8_t fb_field_u8(fb_t *fb, uint32_t table, unsigned id, uint8_t otherwise) {
    uint32_t at = fb_field(fb, table, id);
    return at ? (uint8_t)fb_read(fb, at, 1) : otherwise;
}

float fb_field_f32(fb_t *fb, uint32_t table, unsigned id, float otherwise) {
    uint32_t at = fb_field(fb, table, id);
    return at ? fb_f32(fb, at) : otherwise;
}

void fb_fields(fb_t *fb, uint32_t table, const uint8_t *fields, uint32_t *to) {
    for (; *fields; fields++) {
        uint32_t kind = *fields & 0x70, value = 0;
        uint32_t at = fb_field(fb, table, *fields & 15);
        if (at) {
            if (kind >= FB_TABLE(0)) {
                value = at = fb_follow(fb, at);
            }
            if (kind != FB_TABLE(0)) {
                value = fb_read(fb, at, kind == FB_U8(0) ? 1 : 4);
            }
        }
        if (kind >= FB_VECTOR_1(0)) {
            if (value > (fb->size - at - 4) >> (kind >> 4 & 3)) {
                fb->bad = true;
            }
            *to++ = at + 4;
        }
        *to++ = fb->bad ? 0 : value;
    }
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
