// SPDX-License-Identifier: Apache-2.0
// Included by MicroPython's extmod/modtime.c.

#include "rtc.h"
#include "shared/timeutils/timeutils.h"

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_ll(rtc_time_us() / 1000000);
}

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t t;
    timeutils_seconds_since_epoch_to_struct_time((mp_uint_t)(rtc_time_us() / 1000000), &t);
    mp_obj_t fields[] = {
        MP_OBJ_NEW_SMALL_INT(t.tm_year), MP_OBJ_NEW_SMALL_INT(t.tm_mon),
        MP_OBJ_NEW_SMALL_INT(t.tm_mday), MP_OBJ_NEW_SMALL_INT(t.tm_hour),
        MP_OBJ_NEW_SMALL_INT(t.tm_min),  MP_OBJ_NEW_SMALL_INT(t.tm_sec),
        MP_OBJ_NEW_SMALL_INT(t.tm_wday), MP_OBJ_NEW_SMALL_INT(t.tm_yday),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(fields), fields);
}
