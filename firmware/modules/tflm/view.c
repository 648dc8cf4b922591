// SPDX-License-Identifier: Apache-2.0
// A view of an input or output, or of a part of one, for Python.
#include "view.h"

#include <string.h>

typedef struct {
    mp_obj_base_t base;
    model_obj_t *model;
    uint32_t place; // The place of the first element; see tflm_data.
    uint32_t count;
    uint32_t element_bytes;
    char typecode; // As in Python's array.
} view_obj_t;

mp_obj_t tflm_view_new(model_obj_t *model, uint32_t place, uint32_t count, tflm_type_t type) {
    // By number of the type; types without a letter of their own are bytes.
    static const char typecodes[] = "fBiBqBBhBbBBBBBB";
    view_obj_t *self = mp_obj_malloc(view_obj_t, TYPE(view));
    self->model = model;
    self->place = place;
    self->count = count;
    self->element_bytes = tflm_type_bytes(type);
    self->typecode = typecodes[type & 15];
    return MP_OBJ_FROM_PTR(self);
}

static uint8_t *view_data(const view_obj_t *self) {
    const model_obj_t *model = self->model;
    tflm_buffers_t buffers;
    tflm_open_buffers(model, &buffers);
    uint8_t *data = tflm_data(&model->core, &buffers, self->place);
    if (!data) {
        tflm_check(&model->core, TFLM_ERROR_MOVED);
    }
    return data;
}

static void view_set(const view_obj_t *self, uint32_t i, mp_obj_t value) {
    uint32_t bits = 8 * self->element_bytes;
    if (bits <= 16) {
        mp_int_t low = self->typecode == 'B' ? 0 : -(1 << (bits - 1));
        if ((mp_uint_t)(mp_obj_get_int(value) - low) >> bits) {
            tflm_raise(MP_QSTR_ValueError, "the number does not fit the tensor's type");
        }
    }
    mp_binary_set_val_array(self->typecode, view_data(self), i, value);
}

static void view_assign(const view_obj_t *self, uint32_t from, uint32_t count, mp_obj_t source) {
    mp_buffer_info_t info;
    if (mp_get_buffer(source, &info, MP_BUFFER_READ)) {
        if (info.len != (size_t)count * self->element_bytes) {
            tflm_raise(MP_QSTR_ValueError, "the buffer has not as many bytes as the slice");
        }
        memmove(view_data(self) + from * self->element_bytes, info.buf, info.len);
        return;
    }
    if (mp_obj_len(source) != MP_OBJ_NEW_SMALL_INT(count)) {
        tflm_raise(MP_QSTR_ValueError, "the list has not as many elements as the slice");
    }
    for (uint32_t i = 0; i < count; i++) {
        view_set(self, from + i, mp_obj_subscr(source, MP_OBJ_NEW_SMALL_INT(i), MP_OBJ_SENTINEL));
    }
}

// Returns one end of a slice; negative ones count from the tensor's end.
static uint32_t slice_end(mp_obj_t end, uint32_t count, uint32_t otherwise) {
    if (end == mp_const_none) {
        return otherwise;
    }
    mp_int_t index = mp_obj_get_int(end);
    if (index < 0) {
        index += count;
    }
    return index<0 ? 0 : index>(mp_int_t) count ? count : (uint32_t)index;
}

static mp_obj_t view_subscr(mp_obj_t self_in, mp_obj_t index_in, mp_obj_t value) {
    view_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (value == MP_OBJ_NULL) {
        tflm_raise(MP_QSTR_TypeError, "elements of a tensor cannot be deleted");
    }
    bool get = value == MP_OBJ_SENTINEL;
    if ((mp_obj_t)mp_obj_get_type(index_in) != mp_load_global(MP_QSTR_slice)) {
        mp_int_t index = mp_obj_get_int(index_in);
        if (index < 0) {
            index += self->count;
        }
        if ((mp_uint_t)index >= self->count) {
            tflm_raise(MP_QSTR_IndexError, "index out of range");
        }
        if (get) {
            return mp_binary_get_val_array(self->typecode, view_data(self), index);
        }
        view_set(self, index, value);
        return mp_const_none;
    }
    const mp_obj_slice_t *slice = MP_OBJ_TO_PTR(index_in);
    if (slice->step != mp_const_none && slice->step != MP_OBJ_NEW_SMALL_INT(1)) {
        tflm_raise(MP_QSTR_ValueError, "a slice of a tensor has no step");
    }
    uint32_t from = slice_end(slice->start, self->count, 0);
    uint32_t to = slice_end(slice->stop, self->count, self->count);
    uint32_t count = to > from ? to - from : 0;
    if (get) {
        view_obj_t *part = mp_obj_malloc(view_obj_t, TYPE(view));
        *part = *self;
        part->place += from * self->element_bytes;
        part->count = count;
        return MP_OBJ_FROM_PTR(part);
    }
    view_assign(self, from, count, value);
    return mp_const_none;
}

// Lets Python iterate over a view.
static mp_obj_t view_getitem(mp_obj_t self, mp_obj_t index) {
    return view_subscr(self, index, MP_OBJ_SENTINEL);
}
static MP_DEFINE_CONST_FUN_OBJ_2(view_getitem_obj, view_getitem);

static mp_obj_t view_unary_op(mp_unary_op_t op, mp_obj_t self_in) {
    view_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (op == MP_UNARY_OP_LEN) {
        return mp_obj_new_int_from_uint(self->count);
    }
    return op == MP_UNARY_OP_BOOL ? mp_obj_new_bool(self->count != 0) : MP_OBJ_NULL;
}

static mp_int_t view_get_buffer(mp_obj_t self_in, mp_buffer_info_t *info, mp_uint_t flags) {
    (void)flags;
    view_obj_t *self = MP_OBJ_TO_PTR(self_in);
    info->buf = view_data(self);
    info->len = (size_t)self->count * self->element_bytes;
    info->typecode = self->typecode;
    return 0;
}

#if !MICROPY_ENABLE_DYNRUNTIME
static const mp_rom_map_elem_t view_methods_table[] = {
    {MP_ROM_QSTR(MP_QSTR___getitem__), MP_ROM_PTR(&view_getitem_obj)},
};
static MP_DEFINE_CONST_DICT(view_methods, view_methods_table);

MP_DEFINE_CONST_OBJ_TYPE(tflm_view_type, MP_QSTR_View, MP_TYPE_FLAG_NONE, unary_op, view_unary_op,
                         subscr, view_subscr, buffer, view_get_buffer, locals_dict, &view_methods);
#endif
