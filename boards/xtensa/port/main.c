// SPDX-License-Identifier: Apache-2.0
// MicroPython as a Linux program. Standard input holds the CONFIGID0 of the chip to emulate, a
// 32-bit length and a ROMFS image of that many bytes, which becomes the current folder /rom, then a
// script. Standard error says why the script failed.
#include <string.h>

#include "extmod/vfs.h"
#include "extmod/vfs_rom.h"
#include "linux.h"
#include "lacking.h"
#include "py/compile.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/persistentcode.h"
#include "py/runtime.h"
#include "py/stream.h"

enum {
    HEAP_BYTES = 4 * 1024 * 1024,
    ROM_BYTES_MAX = 32 * 1024 * 1024,
    SCRIPT_BYTES_MAX = 64 * 1024,
    CODE_BYTES = 256 * 1024,
    STACK_BYTES = 64 * 1024,
    PAGE_BYTES = 4096,
    ALL_WINDOWS = 7
};
enum { STDIN, STDOUT, STDERR };
enum { DONE, RAISED, NO_INPUT, NOBODY_CATCHES };

static uint8_t heap[HEAP_BYTES] __attribute__((aligned(16)));
static uint8_t rom[ROM_BYTES_MAX] __attribute__((aligned(16)));
static char script[SCRIPT_BYTES_MAX];
// It has its own pages: as on ESP32-S3, code is not on the heap.
static uint8_t code[CODE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static size_t code_used;

void *spill_windows(int depth); // windows.s

void *commit_code(void *from, size_t bytes, void *relocations) {
    if (bytes > sizeof code - code_used) {
        mp_raise_type(&mp_type_MemoryError);
    }
    uint8_t *to = code + code_used;
    code_used += (bytes + 15) & ~(size_t)15;
    if (relocations) {
        mp_native_relocate(relocations, from, (uintptr_t)to);
    }
    return memcpy(to, from, bytes);
}

void gc_collect(void) {
    void **lowest = spill_windows(ALL_WINDOWS);
    gc_collect_start();
    gc_collect_root(lowest, (size_t)((void **)MP_STATE_THREAD(stack_top) - lowest));
    gc_collect_end();
}

// Scripts read their input from the ROMFS.
int mp_hal_stdin_rx_chr(void) {
    return -1;
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    return flags & MP_STREAM_POLL_WR;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t bytes) {
    linux_give(STDOUT, text, bytes);
    return bytes;
}

void mp_hal_stdout_tx_strn_cooked(const char *text, size_t bytes) {
    linux_give(STDOUT, text, bytes);
}

static void print_error(void *unused, const char *text, size_t bytes) {
    (void)unused;
    linux_give(STDERR, text, bytes);
}

void nlr_jump_fail(void *value) {
    (void)value;
    linux_exit(NOBODY_CATCHES);
}

static void mount_rom(size_t bytes) {
    mp_obj_t image = mp_obj_new_memoryview('B', bytes, rom);
    mp_obj_t path = mp_obj_new_str_from_cstr("/rom");
    mp_obj_t file_system =
        MP_OBJ_TYPE_GET_SLOT(&mp_type_vfs_rom, make_new)(&mp_type_vfs_rom, 1, 0, &image);
    mp_obj_t arguments[] = {file_system, path};
    mp_vfs_mount(2, arguments, (mp_map_t *)&mp_const_empty_map);
    mp_vfs_chdir(path);
}

static void run_script(size_t bytes) {
    mp_lexer_t *lexer = mp_lexer_new_from_str_len(MP_QSTR__lt_stdin_gt_, script, bytes, 0);
    mp_parse_tree_t tree = mp_parse(lexer, MP_PARSE_FILE_INPUT);
    mp_call_function_0(mp_compile(&tree, MP_QSTR__lt_stdin_gt_, false));
}

void run(void);

void run(void) {
    uint32_t identity, rom_bytes;
    if (linux_take(STDIN, &identity, sizeof identity) != sizeof identity ||
        linux_take(STDIN, &rom_bytes, sizeof rom_bytes) != sizeof rom_bytes ||
        rom_bytes > sizeof rom || linux_take(STDIN, rom, rom_bytes) != rom_bytes) {
        linux_exit(NO_INPUT);
    }
    size_t script_bytes = linux_take(STDIN, script, sizeof script);
    linux_make_executable(code, sizeof code);
    lacking_enable(identity);
    mp_cstack_init_with_sp_here(STACK_BYTES);
    gc_init(heap, heap + sizeof heap);
    mp_init();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mount_rom(rom_bytes);
        run_script(script_bytes);
        lacking_tell();
        linux_exit(DONE);
    }
    const mp_print_t print = {NULL, print_error};
    mp_obj_print_exception(&print, MP_OBJ_FROM_PTR(nlr.ret_val));
    linux_exit(RAISED);
}
