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

// A table field; 0 when left out.
uint32_t fb_field_table(fb_t *fb, uint32_t table, unsigned id);

// As the next one. Calling conventions give numbers in registers, but structures in memory.
uint64_t fb_field_packed_vector(fb_t *fb, uint32_t table, unsigned id, uint32_t element_bytes);

// A vector field, whose elements lie within the buffer; empty when left out.
static inline fb_vector_t fb_field_vector(fb_t *fb, uint32_t table, unsigned id,
                                          uint32_t element_bytes) {
    uint64_t vector = fb_field_packed_vector(fb, table, id, element_bytes);
    return (fb_vector_t){(uint32_t)vector, (uint32_t)(vector >> 32)};
}

// The table that element `i` of a vector of tables points to; 0 when out of range.
uint32_t fb_element_table(fb_t *fb, fb_vector_t vector, uint32_t i);

// Element `i` of a vector of int32; bad when out of range.
int32_t fb_element_i32(fb_t *fb, fb_vector_t vector, uint32_t i);

#endif
