// SPDX-License-Identifier: Apache-2.0
// The module tflm: core/ for MicroPython, as a user C module or, through natmod.c, as a native
// .mpy.
#include <string.h>

#include "object.h"
#include "view.h"

#if MICROPY_MALLOC_USES_ALLOCATED_SIZE && !MICROPY_ENABLE_DYNRUNTIME
#define release(pointer, bytes) m_free(pointer, bytes)
#else
#define release(pointer, bytes) m_free(pointer)
#endif

// What Model.inputs and Model.outputs hold.
typedef struct {
    mp_obj_base_t base;
    mp_obj_t name, shape, dtype, scale, zero_point;
} tensor_obj_t;

// Returns the arena size that a model needs; finds it with no more memory than necessary.
static uint32_t arena_size(mp_obj_t model) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(model, &info, MP_BUFFER_READ);
    tflm_buffers_t buffers = {info.buf, info.len, NULL, 0};
    tflm_t core;
    for (;;) {
        tflm_status_t status = tflm_load(&core, &buffers, 0);
        release(buffers.arena, buffers.arena_bytes);
        if (status != TFLM_ERROR_ARENA) {
            tflm_check(&core, status);
        }
        if (core.arena_exact) {
            return core.arena_bytes;
        }
        buffers.arena_bytes = core.arena_bytes + TFLM_ARENA_ALIGNMENT;
        buffers.arena = m_malloc(buffers.arena_bytes);
    }
}

static mp_obj_t mod_arena_size(mp_obj_t buffer) {
    return mp_obj_new_int_from_uint(arena_size(buffer));
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_arena_size_obj, mod_arena_size);

#ifndef TFLM_WITHOUT_VECTORS
static mp_obj_t mod_vectors(mp_obj_t allow) {
    return mp_obj_new_bool(tflm_use_vectors(mp_obj_is_true(allow)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_vectors_obj, mod_vectors);
#endif

// Model

static mp_obj_t model_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                               const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, 2, true);
    if (n_args + n_kw > 2 || (n_kw && args[1] != MP_OBJ_NEW_QSTR(MP_QSTR_arena))) {
        tflm_raise(MP_QSTR_TypeError, "Model(buf, arena=None)");
    }
    mp_obj_t arena = n_args + n_kw > 1 ? args[1 + n_kw] : mp_const_none;
    if (arena == mp_const_none) {
        mp_obj_t size = mod_arena_size(args[0]);
        arena = mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_type_bytearray), 1, 0, &size);
    }
    model_obj_t *self = mp_obj_malloc(model_obj_t, TYPE(model));
    self->buffer = args[0];
    self->arena = arena;
    self->busy = false;
    tflm_buffers_t buffers;
    tflm_open_buffers(self, &buffers);
    tflm_status_t status = tflm_load(&self->core, &buffers, 0);
    if (status == TFLM_ERROR_ARENA && !self->core.arena_exact) {
        // The arena is too small even to find how much is needed.
        tflm_arena_message(&self->core, buffers.arena_bytes, arena_size(args[0]));
    }
    tflm_check(&self->core, status);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t tensor_new(const tflm_tensor_t *tensor, const uint8_t *model) {
    mp_obj_t dims[TFLM_MAX_RANK];
    for (uint32_t i = 0; i < tensor->rank; i++) {
        dims[i] = mp_obj_new_int(tensor->dims[i]);
    }
    tensor_obj_t *self = mp_obj_malloc(tensor_obj_t, TYPE(tensor));
    self->name = mp_obj_new_str((const char *)model + tensor->name_at, tensor->name_length);
    self->shape = mp_obj_new_tuple(tensor->rank, dims);
    self->dtype = tflm_string_new(tflm_type_name(tensor->type));
    self->scale = mp_obj_new_float((mp_float_t)tensor->scale);
    self->zero_point = mp_obj_new_int(tensor->zero_point);
    return MP_OBJ_FROM_PTR(self);
}

static void describe(const model_obj_t *self, const tflm_buffers_t *buffers, tflm_which_t which,
                     unsigned index, tflm_tensor_t *tensor) {
    void *data;
    if (tflm_find(&self->core, buffers, which, index, tensor, &data) != TFLM_OK) {
        tflm_raise(MP_QSTR_RuntimeError, "the model's buffer or the arena changed");
    }
}

static mp_obj_t tensors_new(const model_obj_t *self, tflm_which_t which) {
    tflm_buffers_t buffers;
    tflm_open_buffers(self, &buffers);
    mp_obj_t tensors[TFLM_MAX_IO];
    uint32_t count = self->core.counts[which];
    for (uint32_t i = 0; i < count; i++) {
        tflm_tensor_t tensor;
        describe(self, &buffers, which, i, &tensor);
        tensors[i] = tensor_new(&tensor, buffers.model);
    }
    return mp_obj_new_tuple(count, tensors);
}

static mp_obj_t model_view(mp_obj_t self_in, mp_obj_t index_in, tflm_which_t which) {
    model_obj_t *self = MP_OBJ_TO_PTR(self_in);
    tflm_buffers_t buffers;
    tflm_open_buffers(self, &buffers);
    mp_uint_t index = (mp_uint_t)mp_obj_get_int(index_in);
    if (index >= self->core.counts[which]) {
        tflm_raise(MP_QSTR_IndexError, "the model has no such tensor");
    }
    tflm_tensor_t tensor;
    describe(self, &buffers, which, index, &tensor);
    return tflm_view_new(self, self->core.places[which][index], tensor.elements, tensor.type);
}

static mp_obj_t model_input(mp_obj_t self, mp_obj_t index) {
    return model_view(self, index, TFLM_INPUT);
}
static MP_DEFINE_CONST_FUN_OBJ_2(model_input_obj, model_input);

static mp_obj_t model_output(mp_obj_t self, mp_obj_t index) {
    return model_view(self, index, TFLM_OUTPUT);
}
static MP_DEFINE_CONST_FUN_OBJ_2(model_output_obj, model_output);

// Opens the buffers for a call during which the model must not be called again.
static model_obj_t *begin(mp_obj_t self_in, tflm_buffers_t *buffers) {
    model_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->busy) {
        tflm_raise(MP_QSTR_RuntimeError, "the model is running: call it after that");
    }
    tflm_open_buffers(self, buffers);
    self->busy = true;
    return self;
}

static void end(model_obj_t *self, tflm_status_t status) {
    self->busy = false;
    tflm_check(&self->core, status);
}

// Runs as much of an inference as max_macs allows; returns whether it is complete.
static bool run(mp_obj_t self_in, uint32_t max_macs) {
    tflm_buffers_t buffers;
    bool done;
    model_obj_t *self = begin(self_in, &buffers);
    end(self, tflm_step(&self->core, &buffers, max_macs, &done));
    return done;
}

static mp_obj_t model_invoke(mp_obj_t self) {
    run(self, TFLM_ALL_MACS);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_invoke_obj, model_invoke);

static mp_obj_t model_step(mp_obj_t self, mp_obj_t max_macs_in) {
    mp_int_t max_macs = mp_obj_get_int(max_macs_in);
    if (max_macs < 1 || (uint64_t)max_macs >= TFLM_ALL_MACS) {
        tflm_raise(MP_QSTR_ValueError, "max_macs must be positive and fit 32 bits");
    }
    return mp_obj_new_bool(run(self, (uint32_t)max_macs));
}
static MP_DEFINE_CONST_FUN_OBJ_2(model_step_obj, model_step);

static mp_obj_t model_reset(mp_obj_t self_in) {
    tflm_buffers_t buffers;
    model_obj_t *self = begin(self_in, &buffers);
    end(self, tflm_reset(&self->core, &buffers));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_reset_obj, model_reset);

static mp_obj_t model_profile(mp_obj_t self_in) {
    mp_obj_t time = mp_import_name(MP_QSTR_time, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    mp_obj_t clock = mp_load_attr(time, MP_QSTR_ticks_us);
    mp_obj_t difference = mp_load_attr(time, MP_QSTR_ticks_diff);
    mp_obj_t result = mp_obj_new_list(0, NULL);
    bool done = false;
    while (!done) {
        mp_obj_t times[2], entry[2];
        times[1] = mp_call_function_n_kw(clock, 0, 0, NULL);
        done = run(self_in, TFLM_ONE_OPERATOR);
        times[0] = mp_call_function_n_kw(clock, 0, 0, NULL);
        entry[0] =
            tflm_string_new(tflm_operator_name(((model_obj_t *)MP_OBJ_TO_PTR(self_in))->core.code));
        entry[1] = mp_call_function_n_kw(difference, 2, 0, times);
        mp_obj_list_append(result, mp_obj_new_tuple(2, entry));
    }
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_profile_obj, model_profile);

static mp_obj_t model_deinit(mp_obj_t self_in) {
    model_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->busy) {
        tflm_raise(MP_QSTR_RuntimeError, "the model is running: call it after that");
    }
    self->buffer = self->arena = MP_OBJ_NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_deinit_obj, model_deinit);

static mp_obj_t model_enter(mp_obj_t self_in) {
    return self_in;
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_enter_obj, model_enter);

static mp_obj_t model_exit(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return model_deinit(args[0]);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(model_exit_obj, 4, 4, model_exit);

static mp_obj_t model_ops(const model_obj_t *self) {
    tflm_buffers_t buffers;
    tflm_open_buffers(self, &buffers);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = 0;; i++) {
        const char *name;
        if (tflm_operator(&self->core, &buffers, i, &name) != TFLM_OK) {
            tflm_check(&self->core, TFLM_ERROR_MOVED);
        }
        if (!name) {
            return list;
        }
        mp_obj_list_append(list, tflm_string_new(name));
    }
}

static void model_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    model_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return; // No attribute can be set.
    }
    if (attr == MP_QSTR_inputs) {
        dest[0] = tensors_new(self, TFLM_INPUT);
    } else if (attr == MP_QSTR_outputs) {
        dest[0] = tensors_new(self, TFLM_OUTPUT);
    } else if (attr == MP_QSTR_arena_used) {
        dest[0] = mp_obj_new_int_from_uint(self->core.arena_bytes);
    } else if (attr == MP_QSTR_macs) {
        dest[0] = mp_obj_new_int_from_uint((mp_uint_t)self->core.macs);
    } else if (attr == MP_QSTR_ops) {
        dest[0] = model_ops(self);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // Look in the methods.
    }
}

// Tensor

static void tensor_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    tensor_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    if (attr == MP_QSTR_name) {
        dest[0] = self->name;
    } else if (attr == MP_QSTR_shape) {
        dest[0] = self->shape;
    } else if (attr == MP_QSTR_dtype) {
        dest[0] = self->dtype;
    } else if (attr == MP_QSTR_scale) {
        dest[0] = self->scale;
    } else if (attr == MP_QSTR_zero_point) {
        dest[0] = self->zero_point;
    }
}

#if !MICROPY_ENABLE_DYNRUNTIME // natmod.c has these for a native .mpy.
MP_DEFINE_CONST_OBJ_TYPE(tflm_tensor_type, MP_QSTR_Tensor, MP_TYPE_FLAG_NONE, attr, tensor_attr);

static const mp_rom_map_elem_t model_methods_table[] = {
    {MP_ROM_QSTR(MP_QSTR_input), MP_ROM_PTR(&model_input_obj)},
    {MP_ROM_QSTR(MP_QSTR_output), MP_ROM_PTR(&model_output_obj)},
    {MP_ROM_QSTR(MP_QSTR_invoke), MP_ROM_PTR(&model_invoke_obj)},
    {MP_ROM_QSTR(MP_QSTR_step), MP_ROM_PTR(&model_step_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&model_reset_obj)},
    {MP_ROM_QSTR(MP_QSTR_profile), MP_ROM_PTR(&model_profile_obj)},
    {MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&model_deinit_obj)},
    {MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&model_enter_obj)},
    {MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&model_exit_obj)},
};
static MP_DEFINE_CONST_DICT(model_methods, model_methods_table);

MP_DEFINE_CONST_OBJ_TYPE(tflm_model_type, MP_QSTR_Model, MP_TYPE_FLAG_NONE, make_new,
                         model_make_new, attr, model_attr, locals_dict, &model_methods);

static const mp_rom_map_elem_t module_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_tflm)},
    {MP_ROM_QSTR(MP_QSTR_Model), MP_ROM_PTR(&tflm_model_type)},
    {MP_ROM_QSTR(MP_QSTR_arena_size), MP_ROM_PTR(&mod_arena_size_obj)},
    {MP_ROM_QSTR(MP_QSTR_vectors), MP_ROM_PTR(&mod_vectors_obj)},
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

void tflm_module_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest);
void tflm_module_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    (void)self_in;
    if (attr == MP_QSTR_OPS && dest[0] == MP_OBJ_NULL) {
        dest[0] = tflm_supported_ops();
    }
}

const mp_obj_module_t tflm_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&module_globals,
};
MP_REGISTER_MODULE(MP_QSTR_tflm, tflm_module);
MP_REGISTER_MODULE_DELEGATION(tflm_module, tflm_module_attr);
#endif
