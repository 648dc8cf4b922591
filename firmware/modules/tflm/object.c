// SPDX-License-Identifier: Apache-2.0
// A model as a Python object: its buffers, and its errors as exceptions.
#include "object.h"

#include <string.h>

mp_obj_t tflm_string_new(const char *string) {
    return mp_obj_new_str(string, strlen(string));
}

void tflm_raise(qstr type, const char *message) {
    mp_raise_type_arg(MP_OBJ_TO_PTR(mp_load_global(type)), tflm_string_new(message));
}

mp_obj_t tflm_supported_ops(void) {
    mp_obj_t names[256];
    size_t count = 0;
    const char *name;
    while ((name = tflm_supported_name(count))) {
        names[count++] = tflm_string_new(name);
    }
    return mp_obj_new_tuple(count, names);
}

// Names the missing operator together with those that tflm has.
static __attribute__((noreturn)) void raise_operator(const char *message) {
    mp_obj_t ops = tflm_supported_ops();
    mp_obj_t join = mp_load_attr(tflm_string_new(", "), MP_QSTR_join);
    ops = mp_call_function_n_kw(join, 1, 0, &ops);
    ops = mp_binary_op(MP_BINARY_OP_ADD, tflm_string_new("; supported: "), ops);
    mp_raise_type_arg(MP_OBJ_TO_PTR(mp_load_global(MP_QSTR_ValueError)),
                      mp_binary_op(MP_BINARY_OP_ADD, tflm_string_new(message), ops));
}

void tflm_check(const tflm_t *core, tflm_status_t status) {
    switch (status) {
    case TFLM_OK:
        return;
    case TFLM_ERROR_OPERATOR:
        raise_operator(core->message);
    case TFLM_ERROR_MOVED:
        tflm_raise(MP_QSTR_RuntimeError, "the arena or the model's buffer moved or shrank");
    default:
        tflm_raise(status == TFLM_ERROR_ARENA ? MP_QSTR_MemoryError : MP_QSTR_ValueError,
                   core->message);
    }
}

void tflm_open_buffers(const model_obj_t *self, tflm_buffers_t *buffers) {
    if (self->buffer == MP_OBJ_NULL) {
        tflm_raise(MP_QSTR_RuntimeError, "the model is closed: deinit() was called");
    }
    mp_buffer_info_t info;
    mp_get_buffer_raise(self->buffer, &info, MP_BUFFER_READ);
    buffers->model = info.buf;
    buffers->model_bytes = info.len;
    mp_get_buffer_raise(self->arena, &info, MP_BUFFER_RW);
    buffers->arena = info.buf;
    buffers->arena_bytes = info.len;
}
