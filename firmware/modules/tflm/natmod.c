// SPDX-License-Identifier: Apache-2.0
// tflm as a native .mpy: what modtflm.c's constant tables say, filled in at import, since the
// numbers of names are not known before.
#include "py/dynruntime.h"

// MicroPython 1.25's header lacks this one.
#define mp_type_MemoryError (*(mp_obj_type_t *)(mp_load_global(MP_QSTR_MemoryError)))

#include "modtflm.c"

mp_obj_full_type_t tensor_type, model_type, view_type;

mp_map_elem_t model_methods_table[9];
static MP_DEFINE_CONST_DICT(model_methods, model_methods_table);

mp_map_elem_t view_methods_table[1];
static MP_DEFINE_CONST_DICT(view_methods, view_methods_table);

static mp_map_elem_t method(qstr name, const void *function) {
    return (mp_map_elem_t){MP_OBJ_NEW_QSTR(name), MP_OBJ_FROM_PTR(function)};
}

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    (void)n_args;
    (void)n_kw;
    (void)args;
    MP_DYNRUNTIME_INIT_ENTRY
    tensor_type.base.type = (void *)&mp_type_type;
    tensor_type.name = MP_QSTR_Tensor;
    MP_OBJ_TYPE_SET_SLOT(&tensor_type, attr, tensor_attr, 0);

    model_methods_table[0] = method(MP_QSTR_input, &model_input_obj);
    model_methods_table[1] = method(MP_QSTR_output, &model_output_obj);
    model_methods_table[2] = method(MP_QSTR_invoke, &model_invoke_obj);
    model_methods_table[3] = method(MP_QSTR_step, &model_step_obj);
    model_methods_table[4] = method(MP_QSTR_reset, &model_reset_obj);
    model_methods_table[5] = method(MP_QSTR_profile, &model_profile_obj);
    model_methods_table[6] = method(MP_QSTR_deinit, &model_deinit_obj);
    model_methods_table[7] = method(MP_QSTR___enter__, &model_enter_obj);
    model_methods_table[8] = method(MP_QSTR___exit__, &model_exit_obj);
    model_type.base.type = (void *)&mp_type_type;
    model_type.name = MP_QSTR_Model;
    MP_OBJ_TYPE_SET_SLOT(&model_type, make_new, model_make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&model_type, attr, model_attr, 1);
    MP_OBJ_TYPE_SET_SLOT(&model_type, locals_dict, (void *)&model_methods, 2);

    view_methods_table[0] = method(MP_QSTR___getitem__, &view_getitem_obj);
    view_type.base.type = (void *)&mp_type_type;
    view_type.name = MP_QSTR_View;
    MP_OBJ_TYPE_SET_SLOT(&view_type, unary_op, view_unary_op, 0);
    MP_OBJ_TYPE_SET_SLOT(&view_type, subscr, view_subscr, 1);
    MP_OBJ_TYPE_SET_SLOT(&view_type, buffer, view_get_buffer, 2);
    MP_OBJ_TYPE_SET_SLOT(&view_type, locals_dict, (void *)&view_methods, 3);

    mp_store_global(MP_QSTR_Model, MP_OBJ_FROM_PTR(&model_type));
    mp_store_global(MP_QSTR_arena_size, MP_OBJ_FROM_PTR(&mod_arena_size_obj));
    mp_store_global(MP_QSTR_OPS, supported_ops());
    MP_DYNRUNTIME_INIT_EXIT
}
