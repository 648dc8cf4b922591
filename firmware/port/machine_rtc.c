// SPDX-License-Identifier: Apache-2.0
// The class machine.RTC.

#include "machine_types.h"
#include "rtc.h"
#include "py/runtime.h"
#include "shared/timeutils/timeutils.h"

static const mp_obj_base_t rtc = {&machine_rtc_type};

static mp_obj_t rtc_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                             const mp_obj_t *args) {
    (void)type;
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&rtc);
}

// RTC.datetime([(year, month, day, weekday, hours, minutes, seconds, microseconds)])
static mp_obj_t rtc_datetime(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        int64_t us = rtc_time_us();
        timeutils_struct_time_t t;
        timeutils_seconds_since_epoch_to_struct_time((mp_uint_t)(us / 1000000), &t);
        mp_obj_t fields[] = {
            MP_OBJ_NEW_SMALL_INT(t.tm_year), MP_OBJ_NEW_SMALL_INT(t.tm_mon),
            MP_OBJ_NEW_SMALL_INT(t.tm_mday), MP_OBJ_NEW_SMALL_INT(t.tm_wday),
            MP_OBJ_NEW_SMALL_INT(t.tm_hour), MP_OBJ_NEW_SMALL_INT(t.tm_min),
            MP_OBJ_NEW_SMALL_INT(t.tm_sec),  MP_OBJ_NEW_SMALL_INT((mp_int_t)(us % 1000000)),
        };
        return mp_obj_new_tuple(MP_ARRAY_SIZE(fields), fields);
    }
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(args[1], 8, &items);
    mp_uint_t seconds = timeutils_seconds_since_epoch(
        (mp_uint_t)mp_obj_get_int(items[0]), (mp_uint_t)mp_obj_get_int(items[1]),
        (mp_uint_t)mp_obj_get_int(items[2]), (mp_uint_t)mp_obj_get_int(items[4]),
        (mp_uint_t)mp_obj_get_int(items[5]), (mp_uint_t)mp_obj_get_int(items[6]));
    rtc_set_us((int64_t)seconds * 1000000 + mp_obj_get_int(items[7]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(rtc_datetime_obj, 1, 2, rtc_datetime);

static const mp_rom_map_elem_t rtc_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_datetime), MP_ROM_PTR(&rtc_datetime_obj)},
};
static MP_DEFINE_CONST_DICT(rtc_locals, rtc_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(machine_rtc_type, MP_QSTR_RTC, MP_TYPE_FLAG_NONE, make_new, rtc_make_new,
                         locals_dict, &rtc_locals);
