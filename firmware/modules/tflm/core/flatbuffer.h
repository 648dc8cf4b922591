// SPDX-License-Identifier: Apache-2.0
// Reads untrusted FlatBuffers. Every read is checked against the buffer's end; the first bad one
// sets `bad`, and it and all later ones give zeros and empty vectors.
#ifndef TFLM_FLATBUFFER_H
#define TFLM_FLATBUFFER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const uint8_t *data;
    uint32_t size;
    uint32_t bad; // Not 0 after a bad read.
} fb_t;

typedef struct {
    uint32_t at; // First element.
    uint32_t count;
} fb_vector_t;

// Reads `bytes` bytes, at most four.
uint32_t fb_read(fb_t *fb, uint32_t at, uint32_t bytes);
uint32_t fb_u32(fb_t *fb, uint32_t at);
int32_t fb_i64(fb_t *fb, uint32_t at); // Saturated.
float fb_f32(fb_t *fb, uint32_t at);

// Returns what the offset at `at` points to; 0 when bad.
uint32_t fb_follow(fb_t *fb, uint32_t at);

// Returns where field `id` of a table is; 0 when it is left out. A table at 0 has no fields.
uint32_t fb_field(fb_t *fb, uint32_t table, unsigned id);

// Read scalar fields; `other` is the default.
int32_t fb_field_i32(fb_t *fb, uint32_t table, unsigned id, int32_t otherwise);
uint8_t fb_field_u8(fb_t *fb, uint32_t table, unsigned id, uint8_t otherwise);
float fb_field_f32(fb_t *fb, uint32_t table, unsigned id, float otherwise);

// Kinds of fields for fb_fields. A byte and an int32 are extended to one word each; a table gives
// its position; a vector with elements of 1, 4 or 8 bytes gives a fb_vector_t. Fields that are left
// out give 0.
#define FB_U8(id) (0x10 | (id))
#define FB_I32(id) (0x20 | (id))
#define FB_TABLE(id) (0x30 | (id))
#define FB_VECTOR_1(id) (0x40 | (id))
#define FB_VECTOR_4(id) (0x60 | (id))
#define FB_VECTOR_8(id) (0x70 | (id))

// Reads the fields in the list `fields`, which ends with 0, into consecutive words. Vectors are
// checked to lie within the buffer.
void fb_fields(fb_t *fb, uint32_t table, const uint8_t *fields, uint32_t *to);

// The table that element `i` of a vector of tables points to; 0 when out of range.
uint32_t fb_element_table(fb_t *fb, fb_vector_t vector, uint32_t i);

// Element `i` of a vector of int32; bad when out of range.
int32_t fb_element_i32(fb_t *fb, fb_vector_t vector, uint32_t i);

#endif
