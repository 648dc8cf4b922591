// SPDX-License-Identifier: Apache-2.0
// Reads FlatBuffers without trusting them. Every read is checked against the buffer's end; the
// first bad one sets `bad`, and it and all later ones give zeros and empty vectors.
#ifndef TFLM_FLATBUFFER_H
#define TFLM_FLATBUFFER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const uint8_t *data;
    uint32_t size;
    uint32_t bad; // Not 0: bad.
} fb_t;

typedef struct {
    uint32_t at; // First element.
    uint32_t count;
} fb_vector_t;

// `bytes` of them, up to four.
uint32_t fb_read(fb_t *fb, uint32_t at, uint32_t bytes);
uint32_t fb_u32(fb_t *fb, uint32_t at);
int32_t fb_i64(fb_t *fb, uint32_t at); // Saturated.
float fb_f32(fb_t *fb, uint32_t at);

// What the offset at `at` points to; 0 when bad.
uint32_t fb_follow(fb_t *fb, uint32_t at);

// Where field `id` of a table is; 0 when it is left out. A table at 0 has no fields.
uint32_t fb_field(fb_t *fb, uint32_t table, unsigned id);

// Scalar fields with their defaults.
int32_t fb_field_i32(fb_t *fb, uint32_t table, unsigned id, int32_t otherwise);
uint8_t fb_field_u8(fb_t *fb, uint32_t table, unsigned id, uint8_t otherwise);
float fb_field_f32(fb_t *fb, uint32_t table, unsigned id, float otherwise);

// Fields of a table, as fb_fields takes them: a byte and an int32, extended to a word each; a
// table: where it is; vectors of elements of 1, 4 and 8 bytes: fb_vector_t. 0 when left out.
#define FB_U8(id) (0x10 | (id))
#define FB_I32(id) (0x20 | (id))
#define FB_TABLE(id) (0x30 | (id))
#define FB_VECTOR_1(id) (0x40 | (id))
#define FB_VECTOR_4(id) (0x60 | (id))
#define FB_VECTOR_8(id) (0x70 | (id))

// Reads the fields of a table, until 0, into words one after another. Vectors lie within the
// buffer.
void fb_fields(fb_t *fb, uint32_t table, const uint8_t *fields, uint32_t *to);

// The table that element `i` of a vector of tables points to; 0 when out of range.
uint32_t fb_element_table(fb_t *fb, fb_vector_t vector, uint32_t i);

// Element `i` of a vector of int32; bad when out of range.
int32_t fb_element_i32(fb_t *fb, fb_vector_t vector, uint32_t i);

#endif
