// SPDX-License-Identifier: Apache-2.0
// What operators have while they run: records in the arena.
//
// `prepare` leaves everything `eval` needs in its record. `eval` reads nothing of the model but
// tensor data, so no model can lead it astray.
#ifndef TFLM_RECORD_H
#define TFLM_RECORD_H

#include "compiler.h"
#include "tflm.h"

// Where a tensor's bytes are: an offset in the arena or, with this bit, in the model.
#define TFLM_PLACE_MODEL 0x80000000u
#define TFLM_PLACE_NONE 0xffffffffu

// Model, arena and the finished plan, as seen by eval.
typedef struct {
    const uint8_t *model;
    uint8_t *arena;
} tflm_run_t;

TFLM_SHARED uint8_t *tflm_at(const tflm_run_t *run, uint32_t place) {
    // Constant tensors are never outputs: nothing writes through this.
    return place & TFLM_PLACE_MODEL ? (uint8_t *)run->model + (place & ~TFLM_PLACE_MODEL)
                                    : run->arena + place;
}

// The start of an operator's record; its own data follows, then the next record.
typedef struct {
    uint32_t bytes; // Of the record with its data.
    uint32_t rows;  // The number of parts for which eval can be called.
    uint32_t cost;  // The cost of one row; see tflm_step.
    uint8_t kernel;
    uint8_t backwards; // Whether rows run from the last to the first.
    uint16_t places;   // The number of words at the start of the data that are places.
} tflm_record_t;

// A tensor that tflm_reset restores. `start` is the place in the model of its first contents, or a
// number below 256 with which all its bytes are filled.
typedef struct {
    uint32_t place, bytes, start;
} tflm_state_t;

// Bytes to skip at an arena's start.
static inline uint32_t tflm_padding(const void *arena) {
    return (uint32_t)(-(uintptr_t)arena & (TFLM_ARENA_ALIGNMENT - 1));
}

static inline uint32_t tflm_align(uint32_t x, uint32_t alignment) {
    return (x + alignment - 1) / alignment * alignment;
}

#endif
