// SPDX-License-Identifier: Apache-2.0
// What runs an operator of one type.
#ifndef TFLM_KERNEL_H
#define TFLM_KERNEL_H

#include "record.h"

// Flags of kernels.
#define TFLM_MOVES 1 // Only moves elements, by tflm_emit_move.
#define TFLM_F32 2   // Where input 0 is float32.
#define TFLM_I16 4   // Where it is int16.
#define TFLM_I4 8    // Where it is neither, and input 1 is int4.
#define TFLM_VARIANTS (TFLM_F32 | TFLM_I16 | TFLM_I4)
#define TFLM_HANDLES 16 // Is VAR_HANDLE, ASSIGN_VARIABLE, READ_VARIABLE.
#define TFLM_ASSIGNS 32
#define TFLM_READS 64
#define TFLM_LATE_INPUT 128 // What the others have as input 0 is input 2.

#if defined(TFLM_WITHOUT_FLOAT32) && defined(TFLM_WITHOUT_INT16) && defined(TFLM_WITHOUT_INT4)
#define TFLM_HAS_VARIANTS 0
#else
#define TFLM_HAS_VARIANTS 1
#endif

typedef struct tflm_node tflm_node_t;

typedef struct {
    uint8_t code;    // See schema.h.
    uint8_t options; // The type of its table of options; 0: they are not looked at.
    uint8_t slots;   // Variables and scratch tensors that prepare may ask for.
    uint8_t flags;
    tflm_status_t (*prepare)(tflm_node_t *node);
    void (*eval)(const tflm_run_t *run, const void *data, uint32_t from, uint32_t to);
} tflm_kernel_t;

#endif
