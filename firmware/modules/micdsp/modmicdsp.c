// SPDX-License-Identifier: Apache-2.0
// The module micdsp: core/ for MicroPython. No method allocates; constructors do.
#include "listener.h"
#include "pdm.h"

static size_t get_samples(mp_obj_t obj, const void **samples) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_READ);
    if (info.len % 2) {
        mp_raise_ValueError(MP_ERROR_TEXT("samples: odd number of bytes, give whole int16 values"));
    }
    *samples = info.buf;
    return info.len / 2;
}

typedef struct {
    mp_obj_base_t base;
    micdsp_frontend_t core;
} frontend_obj_t;

static mp_obj_t frontend_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                                  const mp_obj_t *args) {
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    frontend_obj_t *self = mp_obj_malloc(frontend_obj_t, type);
    micdsp_frontend_reset(&self->core);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t frontend_process(mp_obj_t self_in, mp_obj_t samples_in, mp_obj_t features_in) {
    frontend_obj_t *self = MP_OBJ_TO_PTR(self_in);
    const void *samples;
    size_t count = get_samples(samples_in, &samples);
    mp_buffer_info_t features;
    mp_get_buffer_raise(features_in, &features, MP_BUFFER_WRITE);
    if (features.len / (2 * MICDSP_CHANNELS) < micdsp_frontend_frames(&self->core, count)) {
        mp_raise_ValueError(
            MP_ERROR_TEXT("features: too small, give 80 bytes for each 160 samples begun"));
    }
    return MP_OBJ_NEW_SMALL_INT(micdsp_frontend_process(&self->core, samples, count, features.buf));
}
static MP_DEFINE_CONST_FUN_OBJ_3(frontend_process_obj, frontend_process);

static mp_obj_t frontend_quantize(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t features, out;
    mp_get_buffer_raise(args[1], &features, MP_BUFFER_READ);
    mp_get_buffer_raise(args[2], &out, MP_BUFFER_WRITE);
    float scale = (float)mp_obj_get_float(args[3]);
    mp_int_t zero_point = mp_obj_get_int(args[4]);
    if (features.len < 2 * MICDSP_CHANNELS || out.len < MICDSP_CHANNELS) {
        mp_raise_ValueError(MP_ERROR_TEXT("give 80 bytes of features and room for 40 bytes"));
    }
    if (!(scale > 0) || zero_point < -128 || zero_point > 127) {
        mp_raise_ValueError(MP_ERROR_TEXT("scale must be positive, zero_point -128..127"));
    }
    micdsp_frontend_quantize(features.buf, out.buf, FEATURE_SCALE / scale, (int32_t)zero_point);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(frontend_quantize_obj, 5, 5, frontend_quantize);

static mp_obj_t frontend_reset(mp_obj_t self_in) {
    frontend_obj_t *self = MP_OBJ_TO_PTR(self_in);
    micdsp_frontend_reset(&self->core);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(frontend_reset_obj, frontend_reset);

typedef struct {
    mp_obj_base_t base;
    micdsp_adpcm_t core;
} adpcm_obj_t;

static mp_obj_t adpcm_reset(mp_obj_t self_in) {
    adpcm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->core.predictor = 0;
    self->core.index = 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(adpcm_reset_obj, adpcm_reset);

static mp_obj_t adpcm_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                               const mp_obj_t *args) {
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    mp_obj_t self = MP_OBJ_FROM_PTR(mp_obj_malloc(adpcm_obj_t, type));
    adpcm_reset(self);
    return self;
}

static mp_obj_t adpcm_encode(mp_obj_t self_in, mp_obj_t samples_in, mp_obj_t out_in) {
    adpcm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    const void *samples;
    size_t count = get_samples(samples_in, &samples);
    mp_buffer_info_t out;
    mp_get_buffer_raise(out_in, &out, MP_BUFFER_WRITE);
    if (count % 2) {
        mp_raise_ValueError(MP_ERROR_TEXT("samples: odd count, give an even one"));
    }
    if (out.len < count / 2) {
        mp_raise_ValueError(MP_ERROR_TEXT("out: too small, give a byte for two samples"));
    }
    micdsp_adpcm_encode(&self->core, samples, count, out.buf);
    return MP_OBJ_NEW_SMALL_INT(count / 2);
}
static MP_DEFINE_CONST_FUN_OBJ_3(adpcm_encode_obj, adpcm_encode);

static void adpcm_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    adpcm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] == MP_OBJ_NULL && attr == MP_QSTR_predictor) {
        dest[0] = MP_OBJ_NEW_SMALL_INT(self->core.predictor);
    } else if (dest[0] == MP_OBJ_NULL && attr == MP_QSTR_index) {
        dest[0] = MP_OBJ_NEW_SMALL_INT(self->core.index);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // Look in the methods.
    }
}

typedef struct {
    mp_obj_base_t base;
    int gain_shift;
    micdsp_pdm_t core;
} pdm_obj_t;

static mp_obj_t pdm_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                             const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    mp_int_t gain_shift = n_args ? mp_obj_get_int(args[0]) : 0;
    if (gain_shift < 0 || gain_shift > 7) {
        mp_raise_ValueError(MP_ERROR_TEXT("gain_shift must be 0..7"));
    }
    pdm_obj_t *self = mp_obj_malloc(pdm_obj_t, type);
    self->gain_shift = (int)gain_shift;
    micdsp_pdm_reset(&self->core);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t pdm_process(mp_obj_t self_in, mp_obj_t bits_in, mp_obj_t samples_in) {
    pdm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_buffer_info_t bits, samples;
    mp_get_buffer_raise(bits_in, &bits, MP_BUFFER_READ);
    mp_get_buffer_raise(samples_in, &samples, MP_BUFFER_WRITE);
    size_t count = bits.len / (MICDSP_PDM_BITS / 8);
    if (bits.len % (MICDSP_PDM_BITS / 8)) {
        mp_raise_ValueError(MP_ERROR_TEXT("bits: give 16 bytes for each sample"));
    }
    if (samples.len / 2 < count) {
        mp_raise_ValueError(MP_ERROR_TEXT("samples: too small, give 2 bytes for 16 of bits"));
    }
    micdsp_pdm_process(&self->core, bits.buf, count, self->gain_shift, samples.buf);
    return MP_OBJ_NEW_SMALL_INT(count);
}
static MP_DEFINE_CONST_FUN_OBJ_3(pdm_process_obj, pdm_process);

static mp_obj_t level_rms(mp_obj_t samples_in) {
    const void *samples;
    size_t count = get_samples(samples_in, &samples);
    return MP_OBJ_NEW_SMALL_INT(micdsp_level_rms(samples, count));
}
static MP_DEFINE_CONST_FUN_OBJ_1(level_rms_obj, level_rms);

static mp_obj_t level_peak(mp_obj_t samples_in) {
    const void *samples;
    size_t count = get_samples(samples_in, &samples);
    return MP_OBJ_NEW_SMALL_INT(micdsp_level_peak(samples, count));
}
static MP_DEFINE_CONST_FUN_OBJ_1(level_peak_obj, level_peak);

static mp_obj_t level_narrow(mp_obj_t words_in, mp_obj_t samples_in, mp_obj_t gain_shift_in) {
    mp_buffer_info_t words, samples;
    mp_get_buffer_raise(words_in, &words, MP_BUFFER_READ);
    mp_get_buffer_raise(samples_in, &samples, MP_BUFFER_WRITE);
    mp_int_t gain_shift = mp_obj_get_int(gain_shift_in);
    size_t count = words.len / 4;
    if (words.len % 4 || samples.len / 2 < count) {
        mp_raise_ValueError(MP_ERROR_TEXT("give whole words, and 2 bytes for each"));
    }
    if (gain_shift < 0 || gain_shift > 15) {
        mp_raise_ValueError(MP_ERROR_TEXT("gain_shift must be 0..15"));
    }
    micdsp_narrow(words.buf, count, (int)gain_shift, samples.buf);
    return MP_OBJ_NEW_SMALL_INT(count);
}
static MP_DEFINE_CONST_FUN_OBJ_3(level_narrow_obj, level_narrow);

#if !MICROPY_ENABLE_DYNRUNTIME // natmod.c has these for a native .mpy.
static const mp_rom_map_elem_t frontend_methods_table[] = {
    {MP_ROM_QSTR(MP_QSTR_process), MP_ROM_PTR(&frontend_process_obj)},
    {MP_ROM_QSTR(MP_QSTR_quantize), MP_ROM_PTR(&frontend_quantize_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&frontend_reset_obj)},
};
static MP_DEFINE_CONST_DICT(frontend_methods, frontend_methods_table);

static MP_DEFINE_CONST_OBJ_TYPE(frontend_type, MP_QSTR_Frontend, MP_TYPE_FLAG_NONE, make_new,
                                frontend_make_new, locals_dict, &frontend_methods);

static const mp_rom_map_elem_t adpcm_methods_table[] = {
    {MP_ROM_QSTR(MP_QSTR_encode), MP_ROM_PTR(&adpcm_encode_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&adpcm_reset_obj)},
};
static MP_DEFINE_CONST_DICT(adpcm_methods, adpcm_methods_table);

static MP_DEFINE_CONST_OBJ_TYPE(adpcm_type, MP_QSTR_AdpcmEncoder, MP_TYPE_FLAG_NONE, make_new,
                                adpcm_make_new, attr, adpcm_attr, locals_dict, &adpcm_methods);

static const mp_rom_map_elem_t pdm_methods_table[] = {
    {MP_ROM_QSTR(MP_QSTR_process), MP_ROM_PTR(&pdm_process_obj)},
};
static MP_DEFINE_CONST_DICT(pdm_methods, pdm_methods_table);

static MP_DEFINE_CONST_OBJ_TYPE(pdm_type, MP_QSTR_PdmDecimator, MP_TYPE_FLAG_NONE, make_new,
                                pdm_make_new, locals_dict, &pdm_methods);

static const mp_rom_map_elem_t module_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_micdsp)},
    {MP_ROM_QSTR(MP_QSTR_Frontend), MP_ROM_PTR(&frontend_type)},
    {MP_ROM_QSTR(MP_QSTR_Listener), MP_ROM_PTR(&micdsp_listener_type)},
    {MP_ROM_QSTR(MP_QSTR_Spotter), MP_ROM_PTR(&micdsp_spotter_type)},
    {MP_ROM_QSTR(MP_QSTR_AdpcmEncoder), MP_ROM_PTR(&adpcm_type)},
    {MP_ROM_QSTR(MP_QSTR_PdmDecimator), MP_ROM_PTR(&pdm_type)},
    {MP_ROM_QSTR(MP_QSTR_rms), MP_ROM_PTR(&level_rms_obj)},
    {MP_ROM_QSTR(MP_QSTR_peak), MP_ROM_PTR(&level_peak_obj)},
    {MP_ROM_QSTR(MP_QSTR_narrow), MP_ROM_PTR(&level_narrow_obj)},
    {MP_ROM_QSTR(MP_QSTR_HOP_SAMPLES), MP_ROM_INT(MICDSP_HOP_SAMPLES)},
    {MP_ROM_QSTR(MP_QSTR_CHANNELS), MP_ROM_INT(MICDSP_CHANNELS)},
    {MP_ROM_QSTR(MP_QSTR_PDM_BITS), MP_ROM_INT(MICDSP_PDM_BITS)},
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t micdsp_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&module_globals,
};
MP_REGISTER_MODULE(MP_QSTR_micdsp, micdsp_module);
#endif
