// SPDX-License-Identifier: Apache-2.0
// The class Listener: processes the microphone's hops, and runs the spotters.
#include "listener.h"

#include <string.h>

enum { HOP_US = 10000, SECOND_US = 1000000 };
enum { WINDOW_HOPS = MICDSP_WINDOW_SAMPLES / MICDSP_HOP_SAMPLES };
// After this long, waiting tasks get a turn; a hop is not interrupted.
enum { SLICE_US = 5000 };
// Ticks wrap around at 2^30 or a multiple of it.
enum { TICKS_MASK = 0x3fffffff };

typedef struct {
    mp_obj_base_t base;
    mp_obj_t clock, ring, recording; // recording: None without one
    mp_obj_t spotters;               // a tuple
    uint32_t hops, slow_hops, busy_s, busy_us;
    micdsp_tape_t tape;
    micdsp_frontend_t frontend;
    uint16_t features[MICDSP_CHANNELS];
} listener_obj_t;

static void get_hops(mp_obj_t ring, micdsp_tape_buffers_t *buffers) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(ring, &info, MP_BUFFER_WRITE);
    micdsp_require(info.len >= 2 * MICDSP_WINDOW_SAMPLES && info.len % MICDSP_HOP_BYTES == 0 &&
                       (uintptr_t)info.buf % 4 == 0,
                   "ring: give 320 aligned bytes for each hop, of 3 or more");
    buffers->hops = info.buf;
    buffers->hop_count = (uint32_t)(info.len / MICDSP_HOP_BYTES);
}

static void get_recording(mp_obj_t recording, micdsp_tape_buffers_t *buffers) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(recording, &info, MP_BUFFER_WRITE);
    micdsp_require(info.len >= MICDSP_HOP_ADPCM_BYTES && info.len % MICDSP_HOP_ADPCM_BYTES == 0,
                   "recording: give 80 bytes for each hop");
    buffers->recording = info.buf;
    buffers->recording_bytes = (uint32_t)info.len;
}

// Both buffers may have shrunk since the last call; nothing may be written beyond a ring's end.
static void open_tape(listener_obj_t *self, micdsp_tape_buffers_t *buffers) {
    get_hops(self->ring, buffers);
    micdsp_require(self->tape.next < buffers->hop_count && self->tape.waiting <= buffers->hop_count,
                   "ring: it has shrunk");
    if (self->recording != mp_const_none) {
        get_recording(self->recording, buffers);
    }
}

static mp_obj_t listener_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                                  const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 2, 2, false);
    micdsp_tape_buffers_t buffers;
    get_hops(args[0], &buffers);
    listener_obj_t *self = mp_obj_malloc(listener_obj_t, type);
    memset(&self->base + 1, 0, sizeof *self - sizeof self->base);
    self->ring = args[0];
    self->clock = args[1];
    self->recording = mp_const_none;
    self->spotters = mp_const_empty_tuple;
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t listener_listen_for(mp_obj_t self_in, mp_obj_t spotters) {
    listener_obj_t *self = MP_OBJ_TO_PTR(self_in);
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(spotters, &count, &items);
    for (size_t i = 0; i < count; i++) {
        micdsp_require(mp_obj_get_type(items[i]) == (const mp_obj_type_t *)&micdsp_spotter_type,
                       "give a list of Spotter");
    }
    self->spotters = mp_obj_new_tuple(count, items);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(listener_listen_for_obj, listener_listen_for);

static mp_obj_t listener_record(mp_obj_t self_in, mp_obj_t recording, mp_obj_t whole_bytes_in) {
    listener_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_int_t whole_bytes = mp_obj_get_int(whole_bytes_in);
    micdsp_tape_buffers_t buffers;
    open_tape(self, &buffers);
    get_recording(recording, &buffers);
    micdsp_require(whole_bytes % MICDSP_HOP_ADPCM_BYTES == 0 && whole_bytes <= 0x3fffffff &&
                       whole_bytes / MICDSP_HOP_ADPCM_BYTES > (mp_int_t)buffers.hop_count,
                   "whole_bytes: give 80 for each hop, and more hops than the ring has");
    self->recording = recording;
    micdsp_tape_record(&self->tape, &buffers, (uint32_t)whole_bytes);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(listener_record_obj, listener_record);

static mp_obj_t listener_stop(mp_obj_t self_in) {
    listener_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->tape.whole_bytes = self->tape.recorded_bytes;
    self->tape.waiting = 0;
    self->recording = mp_const_none;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(listener_stop_obj, listener_stop);

// Passes the features to the spotters; returns whether a word begins.
static bool spot(listener_obj_t *self) {
    bool began = false;
    const mp_obj_tuple_t *spotters = MP_OBJ_TO_PTR(self->spotters);
    for (size_t i = 0; i < spotters->len; i++) {
        began |= micdsp_spotter_push(MP_OBJ_TO_PTR(spotters->items[i]), self->features);
    }
    return began;
}

// Counts a hop that began at `start_us`; returns when it ended.
static mp_uint_t count(listener_obj_t *self, mp_uint_t start_us) {
    mp_uint_t end_us = (mp_uint_t)mp_obj_get_int(mp_call_function_n_kw(self->clock, 0, 0, NULL));
    uint32_t took_us = (uint32_t)(end_us - start_us) & TICKS_MASK;
    self->hops++;
    self->slow_hops += took_us > HOP_US;
    for (self->busy_us += took_us; self->busy_us >= SECOND_US; self->busy_us -= SECOND_US) {
        self->busy_s++;
    }
    return end_us;
}

// feed(samples, at, start_us)
static mp_obj_t listener_feed(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    listener_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_uint_t at = (mp_uint_t)mp_obj_get_int(args[2]);
    mp_uint_t start_us = (mp_uint_t)mp_obj_get_int(args[3]), end_us = start_us;
    for (;;) {
        mp_buffer_info_t samples;
        mp_get_buffer_raise(args[1], &samples, MP_BUFFER_READ);
        micdsp_require(samples.len % MICDSP_HOP_BYTES == 0 && at % MICDSP_HOP_BYTES == 0 &&
                           at <= samples.len,
                       "samples: give 320 bytes for each hop, and where one of them begins");
        if (at == samples.len) {
            return mp_const_none;
        }
        const uint8_t *hop = (const uint8_t *)samples.buf + at;
        micdsp_tape_buffers_t buffers;
        open_tape(self, &buffers);
        bool news = micdsp_tape_push(&self->tape, &buffers, hop);
        if (self->hops >= WINDOW_HOPS - 1) {
            const int16_t *window =
                micdsp_tape_window(&self->tape, &buffers, self->frontend.samples);
            micdsp_frontend_frame(&self->frontend, window, self->features);
            news |= spot(self);
        }
        at += MICDSP_HOP_BYTES;
        end_us = count(self, end_us);
        if (news || ((end_us - start_us) & TICKS_MASK) > SLICE_US) {
            return MP_OBJ_NEW_SMALL_INT(at);
        }
    }
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(listener_feed_obj, 4, 4, listener_feed);

static void listener_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    const listener_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] != MP_OBJ_NULL) {
        return; // No attribute can be set.
    }
    if (attr == MP_QSTR_hops) {
        dest[0] = mp_obj_new_int_from_uint(self->hops);
    } else if (attr == MP_QSTR_slow_hops) {
        dest[0] = mp_obj_new_int_from_uint(self->slow_hops);
    } else if (attr == MP_QSTR_busy_s) {
        dest[0] = mp_obj_new_int_from_uint(self->busy_s);
    } else if (attr == MP_QSTR_busy_us) {
        dest[0] = mp_obj_new_int_from_uint(self->busy_us);
    } else if (attr == MP_QSTR_recorded_bytes) {
        dest[0] = mp_obj_new_int_from_uint(self->tape.recorded_bytes);
    } else if (attr == MP_QSTR_recording) {
        dest[0] = mp_obj_new_bool(self->tape.recorded_bytes < self->tape.whole_bytes);
    } else if (attr == MP_QSTR_crc) {
        dest[0] = mp_obj_new_int_from_uint(self->tape.crc);
    } else {
        dest[1] = MP_OBJ_SENTINEL; // Look in the methods.
    }
}

#if !MICROPY_ENABLE_DYNRUNTIME // natmod.c has these for a native .mpy.
static const mp_rom_map_elem_t listener_methods_table[] = {
    {MP_ROM_QSTR(MP_QSTR_feed), MP_ROM_PTR(&listener_feed_obj)},
    {MP_ROM_QSTR(MP_QSTR_listen_for), MP_ROM_PTR(&listener_listen_for_obj)},
    {MP_ROM_QSTR(MP_QSTR_record), MP_ROM_PTR(&listener_record_obj)},
    {MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&listener_stop_obj)},
};
static MP_DEFINE_CONST_DICT(listener_methods, listener_methods_table);

MP_DEFINE_CONST_OBJ_TYPE(micdsp_listener_type, MP_QSTR_Listener, MP_TYPE_FLAG_NONE, make_new,
                         listener_make_new, attr, listener_attr, locals_dict, &listener_methods);
#endif
