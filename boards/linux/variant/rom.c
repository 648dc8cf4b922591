// SPDX-License-Identifier: Apache-2.0
// The ROMFS partition of the linux board: the file that GLINT_ROM names, in memory as flash would
// be, so that its files are used in place. Without that variable there is no partition.

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "extmod/vfs.h"
#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"

#define ROM_BYTES 0x200000
#define BLOCK_BYTES 4096
// From later versions of MicroPython; mpremote and `glint deploy` ask for it.
#define IOCTL_BLOCK_SIZE 6

static uint8_t *rom;

static bool rom_open(void) {
    const char *path = getenv("GLINT_ROM");
    if (rom || !path) {
        return rom != NULL;
    }
    int file = open(path, O_RDWR | O_CREAT, 0666);
    if (file < 0) {
        return false;
    }
    void *mapped = MAP_FAILED;
    if (!ftruncate(file, ROM_BYTES)) {
        mapped = mmap(NULL, ROM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    close(file);
    if (mapped != MAP_FAILED) {
        rom = mapped;
    }
    return rom != NULL;
}

mp_obj_t mp_vfs_rom_ioctl(size_t n_args, const mp_obj_t *args) {
    mp_int_t op = mp_obj_get_int(args[0]);
    if (op == MP_VFS_ROM_IOCTL_GET_NUMBER_OF_SEGMENTS) {
        return MP_OBJ_NEW_SMALL_INT(rom_open());
    }
    if (n_args < 2 || mp_obj_get_int(args[1]) != 0 || !rom_open()) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
    mp_int_t offset, size;
    switch (op) {
    case MP_VFS_ROM_IOCTL_GET_SEGMENT:
        return mp_obj_new_memoryview('B', ROM_BYTES, rom);
    case IOCTL_BLOCK_SIZE:
        return MP_OBJ_NEW_SMALL_INT(BLOCK_BYTES);
    case MP_VFS_ROM_IOCTL_WRITE_PREPARE:
        // Our version of MicroPython passes no offset: the whole partition is prepared.
        offset = n_args == 4 ? mp_obj_get_int(args[2]) : 0;
        size = n_args == 4 ? mp_obj_get_int(args[3]) : ROM_BYTES;
        if (offset < 0 || size < 0 || offset > ROM_BYTES || size > ROM_BYTES - offset) {
            return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
        }
        memset(rom + offset, 0xFF, (size_t)size);
        return MP_OBJ_NEW_SMALL_INT(1); // any number of bytes can be written
    case MP_VFS_ROM_IOCTL_WRITE:
        if (n_args == 4) {
            offset = mp_obj_get_int(args[2]);
            mp_buffer_info_t data;
            mp_get_buffer_raise(args[3], &data, MP_BUFFER_READ);
            if (offset >= 0 && offset <= ROM_BYTES && data.len <= (size_t)(ROM_BYTES - offset)) {
                memcpy(rom + offset, data.buf, data.len);
                return MP_OBJ_NEW_SMALL_INT(0);
            }
        }
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    case MP_VFS_ROM_IOCTL_WRITE_COMPLETE:
        return MP_OBJ_NEW_SMALL_INT(0);
    default:
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
}
