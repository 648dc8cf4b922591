// SPDX-License-Identifier: Apache-2.0
// machine.Pin: the LEDs and push buttons of an MPS board, by name ("LED0", "BUTTON0").
// Registers: MPS2/MPS3 application notes, "FPGA system control and I/O".

#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "machine_types.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "extmod/virtpin.h"

#define LEDS REG32(BOARD_FPGAIO_BASE + 0x00)
#define BUTTONS REG32(BOARD_FPGAIO_BASE + 0x08)

enum { PIN_IN, PIN_OUT };

struct pin_obj {
    mp_obj_base_t base;
    const char *name;
    uint8_t direction;
    uint8_t bit;
};

static const struct pin_obj pins[] = {
    {{&machine_pin_type}, "LED0", PIN_OUT, 0},
    {{&machine_pin_type}, "LED1", PIN_OUT, 1},
    {{&machine_pin_type}, "BUTTON0", PIN_IN, 0},
    {{&machine_pin_type}, "BUTTON1", PIN_IN, 1},
};

static bool pin_read(const struct pin_obj *self) {
    return (self->direction == PIN_OUT ? LEDS : BUTTONS) >> self->bit & 1;
}

static void pin_write(const struct pin_obj *self, bool on) {
    if (self->direction == PIN_IN) {
        mp_raise_ValueError(MP_ERROR_TEXT("a button is an input"));
    }
    uint32_t bit = 1u << self->bit;
    LEDS = on ? LEDS | bit : LEDS & ~bit;
}

static void pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const struct pin_obj *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Pin(\"%s\")", self->name);
}

static mp_obj_t pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                             const mp_obj_t *all_args) {
    (void)type;
    enum { ARG_id, ARG_mode, ARG_value };
    static const mp_arg_t allowed[] = {
        {MP_QSTR_id, MP_ARG_REQUIRED | MP_ARG_OBJ, {0}},
        {MP_QSTR_mode, MP_ARG_INT, {.u_int = -1}},
        {MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (mp_obj_is_type(args[ARG_id].u_obj, &machine_pin_type)) {
        return args[ARG_id].u_obj;
    }
    const char *name = mp_obj_str_get_str(args[ARG_id].u_obj);
    for (size_t i = 0; i < MP_ARRAY_SIZE(pins); i++) {
        const struct pin_obj *pin = &pins[i];
        if (strcmp(pin->name, name)) {
            continue;
        }
        if (args[ARG_mode].u_int >= 0 && args[ARG_mode].u_int != pin->direction) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s is an %s"), pin->name,
                              pin->direction == PIN_OUT ? "output" : "input");
        }
        if (args[ARG_value].u_obj != mp_const_none) {
            pin_write(pin, mp_obj_is_true(args[ARG_value].u_obj));
        }
        return MP_OBJ_FROM_PTR(pin);
    }
    mp_raise_msg_varg(&mp_type_ValueError,
                      MP_ERROR_TEXT("no pin \"%s\"; there are LED0, LED1, BUTTON0, BUTTON1"), name);
}

static mp_obj_t pin_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    const struct pin_obj *self = MP_OBJ_TO_PTR(self_in);
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(pin_read(self));
    }
    pin_write(self, mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t pin_value(size_t n_args, const mp_obj_t *args) {
    return pin_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pin_value_obj, 1, 2, pin_value);

static mp_obj_t pin_on(mp_obj_t self_in) {
    pin_write(MP_OBJ_TO_PTR(self_in), true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pin_on_obj, pin_on);

static mp_obj_t pin_off(mp_obj_t self_in) {
    pin_write(MP_OBJ_TO_PTR(self_in), false);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pin_off_obj, pin_off);

static mp_uint_t pin_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    (void)errcode;
    const struct pin_obj *self = MP_OBJ_TO_PTR(self_in);
    switch (request) {
    case MP_PIN_READ:
        return pin_read(self);
    case MP_PIN_WRITE:
        pin_write(self, arg);
        return 0;
    default:
        return (mp_uint_t)-1;
    }
}

static const mp_pin_p_t pin_protocol = {.ioctl = pin_ioctl};

static const mp_rom_map_elem_t pin_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&pin_value_obj)},
    {MP_ROM_QSTR(MP_QSTR_on), MP_ROM_PTR(&pin_on_obj)},
    {MP_ROM_QSTR(MP_QSTR_off), MP_ROM_PTR(&pin_off_obj)},
    {MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(PIN_IN)},
    {MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(PIN_OUT)},
};
static MP_DEFINE_CONST_DICT(pin_locals, pin_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(machine_pin_type, MP_QSTR_Pin, MP_TYPE_FLAG_NONE, make_new, pin_make_new,
                         print, pin_print, call, pin_call, protocol, &pin_protocol, locals_dict,
                         &pin_locals);
