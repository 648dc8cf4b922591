// SPDX-License-Identifier: Apache-2.0
// The functions and flags with which an operator of one type runs.
#ifndef TFLM_KERNEL_H
#define TFLM_KERNEL_H

#include "record.h"

// Flags of kernels.
#define TFLM_MOVES 1 // It only moves elements, by tflm_emit_move.
#define TFLM_F32 2   // For float32 as input 0.
#define TFLM_I16 4   // For int16 as input 0.
#define TFLM_I4 8    // For any other input 0, with int4 as input 1.
#define TFLM_VARIANTS (TFLM_F32 | TFLM_I16 | TFLM_I4)
#define TFLM_HANDLES 16 // It is VAR_HANDLE, ASSIGN_VARIABLE or READ_VARIABLE.
#define TFLM_ASSIGNS 32
#define TFLM_READS 64
#define TFLM_LATE_INPUT 128 // Its input 2 is what input 0 is for other operators.

#if defined(TFLM_WITHOUT_FLOAT32) && defined(TFLM_WITHOUT_INT16) && defined(TFLM_WITHOUT_INT4)
#define TFLM_HAS_VARIANTS 0
#else
#define TFLM_HAS_VARIANTS 1
#endif

typedef struct tflm_node tflm_node_t;

typedef struct {
    uint8_t code;    // See schema.h.
    uint8_t options; // The type of its options table; 0: its options are not read.
    uint8_t slots;   // The number of variables and scratch tensors that prepare may ask for.
    uint8_t flags;
    tflm_status_t (*prepare)(tflm_node_t *node);
    void (*eval)(const tflm_run_t *run, const void *data, uint32_t from, uint32_t to);
} tflm_kernel_t;

#endif
