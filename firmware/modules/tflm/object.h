// SPDX-License-Identifier: Apache-2.0
// A model as a Python object, and its exceptions.
//
// Nothing keeps a pointer into Python's memory: a model refers to the objects that hold model and
// arena, and asks them for their buffers on every call.
#ifndef TFLM_OBJECT_H
#define TFLM_OBJECT_H

#if !MICROPY_ENABLE_DYNRUNTIME
#include "py/binary.h"
#include "py/runtime.h"
#endif

#include "tflm.h"

typedef struct {
    mp_obj_base_t base;
    mp_obj_t buffer, arena; // MP_OBJ_NULL after deinit.
    bool busy;
    tflm_t core;
} model_obj_t;

#if MICROPY_ENABLE_DYNRUNTIME
// natmod.c fills them in at import, since the numbers of names are not known before.
typedef struct {
    mp_obj_full_type_t tensor, model, view;
    mp_map_elem_t model_methods[9], view_methods[1];
} tables_t;
extern tables_t tflm_tables;
#define TYPE(name) ((const mp_obj_type_t *)&tflm_tables.name)
#else
extern const mp_obj_type_t tflm_tensor_type, tflm_model_type, tflm_view_type;
#define TYPE(name) (&tflm_##name##_type)
#endif

mp_obj_t tflm_string_new(const char *string);

// The names of the operators, as a tuple.
mp_obj_t tflm_supported_ops(void);

// Raises the exception of this name. The message is copied.
void tflm_raise(qstr type, const char *message) __attribute__((noreturn));

// Raises the exception for a status; returns if it is TFLM_OK.
void tflm_check(const tflm_t *core, tflm_status_t status);

// Where model and arena are now.
void tflm_open_buffers(const model_obj_t *self, tflm_buffers_t *buffers);

#endif
