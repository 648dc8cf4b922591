// SPDX-License-Identifier: Apache-2.0
// micdsp as a native .mpy. Fills in at import what modmicdsp.c has in constant tables, since the
// numbers of names are not known before.
#include "py/dynruntime.h"

// clang-format off
#include "listener.h"
#include "spotter.c"
#include "listener.c"
#include "modmicdsp.c"
// clang-format on

mp_obj_full_type_t frontend_type;
mp_map_elem_t frontend_methods_table[3];
static MP_DEFINE_CONST_DICT(frontend_methods, frontend_methods_table);

mp_obj_full_type_t adpcm_type;
mp_map_elem_t adpcm_methods_table[2];
static MP_DEFINE_CONST_DICT(adpcm_methods, adpcm_methods_table);

mp_obj_full_type_t pdm_type;
mp_map_elem_t pdm_methods_table[1];
static MP_DEFINE_CONST_DICT(pdm_methods, pdm_methods_table);

mp_obj_full_type_t micdsp_spotter_type;
mp_map_elem_t spotter_methods_table[2];
static MP_DEFINE_CONST_DICT(spotter_methods, spotter_methods_table);

mp_obj_full_type_t micdsp_listener_type;
mp_map_elem_t listener_methods_table[4];
static MP_DEFINE_CONST_DICT(listener_methods, listener_methods_table);

static mp_map_elem_t method(qstr name, const void *function) {
    return (mp_map_elem_t){MP_OBJ_NEW_QSTR(name), MP_OBJ_FROM_PTR(function)};
}

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    (void)n_args;
    (void)n_kw;
    (void)args;
    MP_DYNRUNTIME_INIT_ENTRY
    frontend_methods_table[0] = method(MP_QSTR_process, &frontend_process_obj);
    frontend_methods_table[1] = method(MP_QSTR_quantize, &frontend_quantize_obj);
    frontend_methods_table[2] = method(MP_QSTR_reset, &frontend_reset_obj);
    frontend_type.base.type = (void *)&mp_type_type;
    frontend_type.name = MP_QSTR_Frontend;
    MP_OBJ_TYPE_SET_SLOT(&frontend_type, make_new, frontend_make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&frontend_type, locals_dict, (void *)&frontend_methods, 1);

    adpcm_methods_table[0] = method(MP_QSTR_encode, &adpcm_encode_obj);
    adpcm_methods_table[1] = method(MP_QSTR_reset, &adpcm_reset_obj);
    adpcm_type.base.type = (void *)&mp_type_type;
    adpcm_type.name = MP_QSTR_AdpcmEncoder;
    MP_OBJ_TYPE_SET_SLOT(&adpcm_type, make_new, adpcm_make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&adpcm_type, attr, adpcm_attr, 1);
    MP_OBJ_TYPE_SET_SLOT(&adpcm_type, locals_dict, (void *)&adpcm_methods, 2);

    pdm_methods_table[0] = method(MP_QSTR_process, &pdm_process_obj);
    pdm_type.base.type = (void *)&mp_type_type;
    pdm_type.name = MP_QSTR_PdmDecimator;
    MP_OBJ_TYPE_SET_SLOT(&pdm_type, make_new, pdm_make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&pdm_type, locals_dict, (void *)&pdm_methods, 1);

    spotter_methods_table[0] = method(MP_QSTR_push, &spotter_push_obj);
    spotter_methods_table[1] = method(MP_QSTR_reset, &spotter_reset_obj);
    micdsp_spotter_type.base.type = (void *)&mp_type_type;
    micdsp_spotter_type.name = MP_QSTR_Spotter;
    MP_OBJ_TYPE_SET_SLOT(&micdsp_spotter_type, make_new, spotter_make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&micdsp_spotter_type, attr, spotter_attr, 1);
    MP_OBJ_TYPE_SET_SLOT(&micdsp_spotter_type, locals_dict, (void *)&spotter_methods, 2);

    listener_methods_table[0] = method(MP_QSTR_feed, &listener_feed_obj);
    listener_methods_table[1] = method(MP_QSTR_listen_for, &listener_listen_for_obj);
    listener_methods_table[2] = method(MP_QSTR_record, &listener_record_obj);
    listener_methods_table[3] = method(MP_QSTR_stop, &listener_stop_obj);
    micdsp_listener_type.base.type = (void *)&mp_type_type;
    micdsp_listener_type.name = MP_QSTR_Listener;
    MP_OBJ_TYPE_SET_SLOT(&micdsp_listener_type, make_new, listener_make_new, 0);
    MP_OBJ_TYPE_SET_SLOT(&micdsp_listener_type, attr, listener_attr, 1);
    MP_OBJ_TYPE_SET_SLOT(&micdsp_listener_type, locals_dict, (void *)&listener_methods, 2);

    mp_store_global(MP_QSTR_Listener, MP_OBJ_FROM_PTR(&micdsp_listener_type));
    mp_store_global(MP_QSTR_Spotter, MP_OBJ_FROM_PTR(&micdsp_spotter_type));
    mp_store_global(MP_QSTR_Frontend, MP_OBJ_FROM_PTR(&frontend_type));
    mp_store_global(MP_QSTR_AdpcmEncoder, MP_OBJ_FROM_PTR(&adpcm_type));
    mp_store_global(MP_QSTR_PdmDecimator, MP_OBJ_FROM_PTR(&pdm_type));
    mp_store_global(MP_QSTR_rms, MP_OBJ_FROM_PTR(&level_rms_obj));
    mp_store_global(MP_QSTR_peak, MP_OBJ_FROM_PTR(&level_peak_obj));
    mp_store_global(MP_QSTR_narrow, MP_OBJ_FROM_PTR(&level_narrow_obj));
    mp_store_global(MP_QSTR_HOP_SAMPLES, MP_OBJ_NEW_SMALL_INT(MICDSP_HOP_SAMPLES));
    mp_store_global(MP_QSTR_CHANNELS, MP_OBJ_NEW_SMALL_INT(MICDSP_CHANNELS));
    mp_store_global(MP_QSTR_PDM_BITS, MP_OBJ_NEW_SMALL_INT(MICDSP_PDM_BITS));
    MP_DYNRUNTIME_INIT_EXIT
}
