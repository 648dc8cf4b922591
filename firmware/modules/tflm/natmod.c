// SPDX-License-Identifier: Apache-2.0
// tflm as a native .mpy. Fills in at import what modtflm.c has in constant tables, since the
// numbers of names are not known before.
#include "py/dynruntime.h"

// The linker knows the address that dynruntime.h takes from a table.
#undef mp_type_type
extern const mp_obj_type_t mp_type_type;

// clang-format off
#include "object.c"
#include "view.c"
#include "modtflm.c"
// clang-format on

tables_t tflm_tables;

static MP_DEFINE_CONST_DICT(model_methods, tflm_tables.model_methods);
static MP_DEFINE_CONST_DICT(view_methods, tflm_tables.view_methods);

// The tables, without the names.
static const tables_t tables = {
    .tensor = {{(void *)&mp_type_type}, .slot_index_attr = 1, .slots = {tensor_attr}},
    .model = {{(void *)&mp_type_type},
              .slot_index_make_new = 1,
              .slot_index_attr = 2,
              .slot_index_locals_dict = 3,
              .slots = {model_make_new, model_attr, &model_methods}},
    .view = {{(void *)&mp_type_type},
             .slot_index_unary_op = 1,
             .slot_index_subscr = 2,
             .slot_index_buffer = 3,
             .slot_index_locals_dict = 4,
             .slots = {view_unary_op, view_subscr, view_get_buffer, &view_methods}},
    .model_methods = {{0, MP_OBJ_FROM_PTR(&model_input_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_output_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_invoke_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_step_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_reset_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_profile_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_deinit_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_enter_obj)},
                      {0, MP_OBJ_FROM_PTR(&model_exit_obj)}},
    .view_methods = {{0, MP_OBJ_FROM_PTR(&view_getitem_obj)}},
};

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    (void)n_args;
    (void)n_kw;
    (void)args;
    MP_DYNRUNTIME_INIT_ENTRY
    memcpy(&tflm_tables, &tables, sizeof tables);
    tflm_tables.tensor.name = MP_QSTR_Tensor;
    tflm_tables.model.name = MP_QSTR_Model;
    tflm_tables.view.name = MP_QSTR_View;
    // Those of the model, then that of views.
    const qstr methods[] = {MP_QSTR_input,    MP_QSTR_output,     MP_QSTR_invoke, MP_QSTR_step,
                            MP_QSTR_reset,    MP_QSTR_profile,    MP_QSTR_deinit, MP_QSTR___enter__,
                            MP_QSTR___exit__, MP_QSTR___getitem__};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        (tflm_tables.model_methods + i)->key = MP_OBJ_NEW_QSTR(methods[i]);
    }
    mp_store_global(MP_QSTR_Model, MP_OBJ_FROM_PTR(&tflm_tables.model));
    mp_store_global(MP_QSTR_arena_size, MP_OBJ_FROM_PTR(&mod_arena_size_obj));
#ifndef TFLM_WITHOUT_VECTORS
    mp_store_global(MP_QSTR_vectors, MP_OBJ_FROM_PTR(&mod_vectors_obj));
#endif
    mp_store_global(MP_QSTR_OPS, tflm_supported_ops());
    MP_DYNRUNTIME_INIT_EXIT
}
