// SPDX-License-Identifier: Apache-2.0
// Included by MicroPython's extmod/modmachine.c: what the module `machine` holds besides UART and
// WDT.

#include "board.h"
#include "flash.h"
#include "machine_types.h"
#include "retained.h"
#include "shared/runtime/pyexec.h"
#include "py/mphal.h"

static void mp_machine_idle(void) {
    mp_event_wait_ms(1);
}

NORETURN static void mp_machine_reset(void) {
    chip_reset(RESET_HARD);
}

static mp_int_t mp_machine_reset_cause(void) {
    return (mp_int_t)retained.cause;
}

static mp_obj_t mp_machine_unique_id(void) {
    return mp_obj_new_bytes((const uint8_t *)BOARD_NAME, sizeof(BOARD_NAME) - 1);
}

static mp_obj_t mp_machine_get_freq(void) {
    return MP_OBJ_NEW_SMALL_INT(BOARD_CLOCK_HZ);
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    (void)args;
    mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("the clock is fixed at %d Hz"),
                      BOARD_CLOCK_HZ);
}

static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        mp_event_wait_indefinite();
    } else {
        mp_hal_delay_ms((mp_uint_t)mp_obj_get_int(args[0]));
    }
}

NORETURN static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    mp_machine_lightsleep(n_args, args);
    chip_reset(RESET_HARD);
}

// machine.stack_peak(): bytes of the C stack that were ever in use since the chip's reset.
static mp_obj_t machine_stack_peak(void) {
    return MP_OBJ_NEW_SMALL_INT(stack_peak_bytes());
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_stack_peak_obj, machine_stack_peak);

// machine.fault(): what the fault or the watchdog printed that led to this start, or "".
static mp_obj_t machine_fault(void) {
    bool failed = retained.cause == RESET_FAULT || retained.cause == RESET_WDT;
    return mp_obj_new_str(retained.report, failed ? retained.report_bytes : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_fault_obj, machine_fault);

// machine.safe_mode(): True if boot.py and main.py were left out at this start.
static mp_obj_t machine_safe_mode(void) {
    return mp_obj_new_bool(retained_safe_mode());
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_safe_mode_obj, machine_safe_mode);

// clang-format off
#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    {MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type)}, \
    {MP_ROM_QSTR(MP_QSTR_RTC), MP_ROM_PTR(&machine_rtc_type)}, \
    {MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&flash_type)}, \
    {MP_ROM_QSTR(MP_QSTR_stack_peak), MP_ROM_PTR(&machine_stack_peak_obj)}, \
    {MP_ROM_QSTR(MP_QSTR_fault), MP_ROM_PTR(&machine_fault_obj)}, \
    {MP_ROM_QSTR(MP_QSTR_safe_mode), MP_ROM_PTR(&machine_safe_mode_obj)}, \
    {MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(RESET_POWER_ON)}, \
    {MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(RESET_HARD)}, \
    {MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(RESET_WDT)}, \
    {MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(RESET_SOFT)}, \
    {MP_ROM_QSTR(MP_QSTR_FAULT_RESET), MP_ROM_INT(RESET_FAULT)}, \
    {MP_ROM_QSTR(MP_QSTR_BREAK_RESET), MP_ROM_INT(RESET_BREAK)},
// clang-format on
