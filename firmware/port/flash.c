// SPDX-License-Identifier: Apache-2.0
// The flash as block devices for MicroPython, and as ROMFS slots.

#include <string.h>

#include "board.h"
#include "flash.h"
#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "extmod/vfs.h"

#define FLASH ((uint8_t *)BOARD_FLASH_BASE)

static bool in_flash(uint32_t offset, size_t size) {
    return offset <= BOARD_FLASH_BYTES && size <= BOARD_FLASH_BYTES - offset;
}

int flash_erase(uint32_t offset, size_t size) {
    if (!in_flash(offset, size) || offset % FLASH_BLOCK_BYTES || size % FLASH_BLOCK_BYTES) {
        return -MP_EINVAL;
    }
    memset(FLASH + offset, 0xFF, size);
    return 0;
}

int flash_program(uint32_t offset, const uint8_t *data, size_t size) {
    if (!in_flash(offset, size)) {
        return -MP_EINVAL;
    }
    for (size_t i = 0; i < size; i++) {
        FLASH[offset + i] &= data[i];
    }
    return 0;
}

// A partition of the flash as a MicroPython block device.
struct flash_obj {
    mp_obj_base_t base;
    uint32_t start;
    uint32_t size;
};

static mp_obj_t make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                         const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 2, false);
    mp_int_t start = n_args > 0 ? mp_obj_get_int(args[0]) : BOARD_FILES_OFFSET;
    mp_int_t size = n_args > 1 ? mp_obj_get_int(args[1]) : BOARD_FILES_BYTES;
    if (start < 0 || size <= 0 || start % FLASH_BLOCK_BYTES || size % FLASH_BLOCK_BYTES ||
        !in_flash((uint32_t)start, (size_t)size)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("flash has %d bytes in blocks of %d"),
                          BOARD_FLASH_BYTES, FLASH_BLOCK_BYTES);
    }
    struct flash_obj *self = mp_obj_malloc(struct flash_obj, type);
    self->start = (uint32_t)start;
    self->size = (uint32_t)size;
    return MP_OBJ_FROM_PTR(self);
}

// Where `size` bytes at a block and an offset into it lie in the flash. Raises OSError(EINVAL).
static uint32_t locate(const struct flash_obj *self, mp_obj_t block, mp_int_t offset, size_t size) {
    mp_int_t first = mp_obj_get_int(block) * FLASH_BLOCK_BYTES + offset;
    if (first < 0 || (uint32_t)first > self->size || size > self->size - (uint32_t)first) {
        mp_raise_OSError(MP_EINVAL);
    }
    return self->start + (uint32_t)first;
}

static mp_obj_t readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_WRITE);
    mp_int_t offset = n_args > 3 ? mp_obj_get_int(args[3]) : 0;
    memcpy(buf.buf, FLASH + locate(MP_OBJ_TO_PTR(args[0]), args[1], offset, buf.len), buf.len);
    return MP_OBJ_NEW_SMALL_INT(0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(readblocks_obj, 3, 4, readblocks);

static mp_obj_t writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[2], &buf, MP_BUFFER_READ);
    mp_int_t offset = n_args > 3 ? mp_obj_get_int(args[3]) : 0;
    uint32_t at = locate(MP_OBJ_TO_PTR(args[0]), args[1], offset, buf.len);
    int error = n_args > 3 ? 0 : flash_erase(at, buf.len);
    if (!error) {
        error = flash_program(at, buf.buf, buf.len);
    }
    return MP_OBJ_NEW_SMALL_INT(error);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(writeblocks_obj, 3, 4, writeblocks);

static mp_obj_t ioctl(mp_obj_t self_in, mp_obj_t op, mp_obj_t arg) {
    struct flash_obj *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(op)) {
    case MP_BLOCKDEV_IOCTL_INIT:
    case MP_BLOCKDEV_IOCTL_DEINIT:
    case MP_BLOCKDEV_IOCTL_SYNC:
        return MP_OBJ_NEW_SMALL_INT(0);
    case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
        return MP_OBJ_NEW_SMALL_INT(self->size / FLASH_BLOCK_BYTES);
    case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
        return MP_OBJ_NEW_SMALL_INT(FLASH_BLOCK_BYTES);
    case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
        return MP_OBJ_NEW_SMALL_INT(
            flash_erase(locate(self, arg, 0, FLASH_BLOCK_BYTES), FLASH_BLOCK_BYTES));
    default:
        return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(ioctl_obj, ioctl);

// The buffer is the flash itself: VfsRom gives files out of it without a copy.
static mp_int_t get_buffer(mp_obj_t self_in, mp_buffer_info_t *buf, mp_uint_t flags) {
    struct flash_obj *self = MP_OBJ_TO_PTR(self_in);
    if (flags != MP_BUFFER_READ) {
        return 1;
    }
    buf->buf = FLASH + self->start;
    buf->len = self->size;
    buf->typecode = 'B';
    return 0;
}

static const mp_rom_map_elem_t locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&readblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&writeblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&ioctl_obj)},
};
static MP_DEFINE_CONST_DICT(locals, locals_table);

MP_DEFINE_CONST_OBJ_TYPE(flash_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE, make_new, make_new, buffer,
                         get_buffer, locals_dict, &locals);

// vfs.rom_ioctl: the ROMFS slots. They are block devices: `mpremote romfs` erases and writes them
// so.

static const struct flash_obj slots[BOARD_SLOT_COUNT] = {
    {{&flash_type}, BOARD_SLOT0_OFFSET, BOARD_SLOT_BYTES},
    {{&flash_type}, BOARD_SLOT0_OFFSET + BOARD_SLOT_BYTES, BOARD_SLOT_BYTES},
};

mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    mp_int_t op = mp_obj_get_int(args[0]);
    mp_int_t id = n_args > 1 ? mp_obj_get_int(args[1]) : -1;
    if (op == MP_VFS_ROM_IOCTL_GET_NUMBER_OF_SEGMENTS) {
        return MP_OBJ_NEW_SMALL_INT(BOARD_SLOT_COUNT);
    }
    if (op == MP_VFS_ROM_IOCTL_GET_SEGMENT && id >= 0 && id < BOARD_SLOT_COUNT) {
        return MP_OBJ_FROM_PTR(&slots[id]);
    }
    return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
}
