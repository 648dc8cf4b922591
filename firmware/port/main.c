// SPDX-License-Identifier: Apache-2.0
// Runs the interpreter from reset to reset.

#include "fault.h"
#include "machine_types.h"
#include "retained.h"
#include "rtc.h"
#include "timebase.h"
#include "uart.h"
#include "py/compile.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"

extern char _stack_top, _stack_limit, _heap_start, _heap_end;

// Returns false if a script asked for a soft reset.
static bool run_scripts(void) {
    if (retained_safe_mode()) {
        mp_printf(&mp_plat_print, "safe mode after %s: boot.py and main.py were not run\n",
                  retained.cause == RESET_BREAK ? "a break on the console" : "repeated crashes");
        return true;
    }
    if (pyexec_file_if_exists("boot.py") & PYEXEC_FORCED_EXIT) {
        return false;
    }
    return pyexec_mode_kind != PYEXEC_MODE_FRIENDLY_REPL ||
           !(pyexec_file_if_exists("main.py") & PYEXEC_FORCED_EXIT);
}

static void repl(void) {
    while ((pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl()
                                                     : pyexec_friendly_repl()) == 0) {
    }
}

int main(void) {
    retained_init();
    timebase_init();
    rtc_init();
    console_init();
    mp_cstack_init_with_top(&_stack_top, (size_t)(&_stack_top - &_stack_limit));
    for (;;) {
        gc_init(&_heap_start, &_heap_end);
        mp_init();
        mp_obj_list_append(mp_sys_path, MP_OBJ_NEW_QSTR(MP_QSTR__slash_lib));
        readline_init0();
        pyexec_frozen_module("_boot.py", false);
        if (run_scripts()) {
            repl();
        }
        mp_printf(&mp_plat_print, "MPY: soft reboot\n");
        machine_uart_close_all();
        gc_sweep_all();
        mp_deinit();
        retained.cause = RESET_SOFT;
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

void nlr_jump_fail(void *exception) {
    (void)exception;
    fault_die("an exception found nobody to catch it");
}
