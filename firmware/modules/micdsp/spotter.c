// SPDX-License-Identifier: Apache-2.0
// The class Spotter: runs the model of one wake word on the features of the hops.
#include "listener.h"

void micdsp_require(bool right, const char *message) {
    if (!right) {
        mp_raise_ValueError((mp_rom_error_text_t)message);
    }
}

// Returns where the next features belong in the model's input, and its number of rows.
static int8_t *row_of(const spotter_obj_t *self, uint32_t *rows) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(self->input, &info, MP_BUFFER_WRITE);
    *rows = (uint32_t)(info.len / MICDSP_CHANNELS);
    micdsp_require(self->row < *rows && info.len % MICDSP_CHANNELS == 0,
                   "the model's input: give rows of 40 bytes");
    return (int8_t *)info.buf + self->row * MICDSP_CHANNELS;
}

static uint8_t output_of(const spotter_obj_t *self) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(self->output, &info, MP_BUFFER_READ);
    micdsp_require(info.len != 0, "the model's output: give a byte");
    return *(const uint8_t *)info.buf;
}

bool micdsp_spotter_push(spotter_obj_t *self, const void *features) {
    uint32_t rows;
    int8_t *row = row_of(self, &rows);
    self->began = false;
    micdsp_frontend_quantize(features, row, self->ratio, self->zero_point);
    self->row = self->row + 1 < rows ? self->row + 1 : 0;
    self->inferred = self->row == 0;
    if (self->inferred) {
        mp_call_function_n_kw(self->invoke, 0, 0, NULL);
        self->began = micdsp_mean_push(&self->mean, output_of(self));
    }
    return self->began;
}

static mp_obj_t spotter_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                                 const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 7, 7, false);
    float scale = (float)mp_obj_get_float(args[3]);
    mp_int_t zero_point = mp_obj_get_int(args[4]);
    mp_int_t window = mp_obj_get_int(args[5]);
    mp_int_t cutoff_sum = mp_obj_get_int(args[6]);
    micdsp_require(scale > 0 && zero_point >= -128 && zero_point <= 127,
                   "scale must be positive, zero_point -128..127");
    micdsp_require(window >= 1 && window <= 255 && cutoff_sum >= 0 && cutoff_sum <= 255 * 255,
                   "window must be 1..255, cutoff_sum 0..65025");
    spotter_obj_t *self = mp_obj_malloc(spotter_obj_t, type);
    self->invoke = args[0];
    self->input = args[1];
    self->output = args[2];
    self->row = 0;
    self->ratio = FEATURE_SCALE / scale;
    self->zero_point = (int8_t)zero_point;
    self->inferred = self->began = false;
    self->mean.size = (uint8_t)window;
    self->mean.cutoff_sum = (int32_t)cutoff_sum;
    micdsp_mean_reset(&self->mean);
    uint32_t rows;
    row_of(self, &rows);
    output_of(self);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t spotter_push(mp_obj_t self, mp_obj_t features_in) {
    mp_buffer_info_t features;
    mp_get_buffer_raise(features_in, &features, MP_BUFFER_READ);
    micdsp_require(features.len == 2 * MICDSP_CHANNELS, "give 80 bytes of features");
    return mp_obj_new_bool(micdsp_spotter_push(MP_OBJ_TO_PTR(self), features.buf));
}
static MP_DEFINE_CONST_FUN_OBJ_2(spotter_push_obj, spotter_push);

static mp_obj_t spotter_reset(mp_obj_t self_in) {
    spotter_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->row = 0;
    self->inferred = self->began = false;
    micdsp_mean_reset(&self->mean);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(spotter_reset_obj, spotter_reset);

static void spotter_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    const spotter_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return; // No attribute can be set.
    }
    if (attr == MP_QSTR_began) {
        dest[0] = mp_obj_new_bool(self->began);
    } else if (attr == MP_QSTR_inferred) {
        dest[0] = mp_obj_new_bool(self->inferred);
    } else if (attr == MP_QSTR_full) {
        dest[0] = mp_obj_new_bool(self->mean.heard == self->mean.size);
    } else if (attr == MP_QSTR_sum) {
        dest[0] = MP_OBJ_NEW_SMALL_INT(self->mean.sum);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // Look in the methods.
    }
}

#if !MICROPY_ENABLE_DYNRUNTIME // natmod.c has these for a native .mpy.
static const mp_rom_map_elem_t spotter_methods_table[] = {
    {MP_ROM_QSTR(MP_QSTR_push), MP_ROM_PTR(&spotter_push_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&spotter_reset_obj)},
};
static MP_DEFINE_CONST_DICT(spotter_methods, spotter_methods_table);

MP_DEFINE_CONST_OBJ_TYPE(micdsp_spotter_type, MP_QSTR_Spotter, MP_TYPE_FLAG_NONE, make_new,
                         spotter_make_new, attr, spotter_attr, locals_dict, &spotter_methods);
#endif
