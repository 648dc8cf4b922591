// SPDX-License-Identifier: Apache-2.0
// Included by MicroPython's extmod/machine_uart.c: UART 1, the simulation bus. UART 0 is the
// console.

#include "simbus.h"
#include "machine_types.h"
#include "py/mperrno.h"
#include "py/mphal.h"

#define UART_ID 1
#define IRQ_RX 1

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS {MP_ROM_QSTR(MP_QSTR_IRQ_RX), MP_ROM_INT(IRQ_RX)}

struct _machine_uart_obj_t {
    mp_obj_base_t base;
    mp_sched_node_t received;
    uint32_t timeout_ms;
    uint32_t baud;
    mp_irq_obj_t irq;
    bool irq_on;
    bool is_open;
};

static machine_uart_obj_t uart1 = {.base = {&machine_uart_type}};

static mp_uint_t irq_trigger(mp_obj_t self_in, mp_uint_t trigger) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->irq_on = trigger != 0;
    return 0;
}

static mp_uint_t irq_info(mp_obj_t self_in, mp_uint_t type) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return type == MP_IRQ_INFO_TRIGGERS && self->irq_on ? IRQ_RX : 0;
}

static const mp_irq_methods_t irq_methods = {.trigger = irq_trigger, .info = irq_info};

static void call_handler(mp_sched_node_t *node) {
    (void)node;
    if (uart1.irq_on && simbus_available()) {
        mp_call_function_1_protected(uart1.irq.handler, uart1.irq.parent);
    }
}

// From the interrupt. A node is in the scheduler's queue once or not at all, so bytes that come
// before the handler has run share its call, and no call is ever lost to a full queue.
static void on_received(void) {
    if (uart1.irq_on) {
        mp_sched_schedule_node(&uart1.received, call_handler);
    }
}

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(1, baudrate=%u, timeout=%u)", (unsigned)self->baud,
              (unsigned)self->timeout_ms);
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args,
                                        const mp_obj_t *pos_args, mp_map_t *kw_args) {
    // Accepted as elsewhere; nothing is slower here for a lower one.
    enum { ARG_baudrate, ARG_timeout };
    static const mp_arg_t allowed[] = {
        {MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 115200}},
        {MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0}},
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    self->baud = (uint32_t)args[ARG_baudrate].u_int;
    self->timeout_ms = (uint32_t)args[ARG_timeout].u_int;
    self->is_open = true;
    simbus_open(on_received);
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                                         const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    if (mp_obj_get_int(args[0]) != UART_ID) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is UART(1); UART 0 is the console"));
    }
    if (n_args > 1 || n_kw > 0 || !uart1.is_open) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        mp_machine_uart_init_helper(&uart1, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(&uart1);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    self->irq_on = false;
    self->irq.handler = mp_const_none;
    self->is_open = false;
    MP_STATE_PORT(uart1_handler) = MP_OBJ_NULL;
    simbus_close();
}

void machine_uart_close_all(void) {
    mp_machine_uart_deinit(&uart1);
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    (void)self;
    return (mp_int_t)simbus_available();
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    (void)self;
    return simbus_room() == SIMBUS_RING_BYTES;
}

static mp_irq_obj_t *mp_machine_uart_irq(machine_uart_obj_t *self, bool any_args,
                                         mp_arg_val_t *args) {
    if (self->irq.base.type == NULL) {
        mp_irq_init(&self->irq, &irq_methods, MP_OBJ_FROM_PTR(self));
    }
    if (any_args) {
        if (args[MP_IRQ_ARG_INIT_hard].u_bool) {
            mp_raise_ValueError(MP_ERROR_TEXT("hard handlers are not supported"));
        }
        mp_obj_t handler = args[MP_IRQ_ARG_INIT_handler].u_obj;
        MP_STATE_PORT(uart1_handler) = handler;
        self->irq.handler = handler;
        self->irq_on = handler != mp_const_none && args[MP_IRQ_ARG_INIT_trigger].u_int == IRQ_RX;
        if (simbus_available()) {
            on_received();
        }
    }
    return &self->irq;
}

static void must_be_open(const machine_uart_obj_t *self) {
    if (!self->is_open) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("UART(1) is closed; call init()"));
    }
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buf, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    must_be_open(self);
    uint32_t start = timebase_ms();
    mp_uint_t n;
    while ((n = simbus_read(buf, size)) == 0 && size > 0) {
        uint32_t elapsed = timebase_ms() - start;
        if (elapsed >= self->timeout_ms) {
            *errcode = MP_EAGAIN;
            return MP_STREAM_ERROR;
        }
        mp_event_wait_ms(self->timeout_ms - elapsed);
    }
    return n;
}

// Takes everything, however long the other end lets it wait.
static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buf, mp_uint_t size,
                                       int *errcode) {
    (void)errcode;
    must_be_open(MP_OBJ_TO_PTR(self_in));
    const uint8_t *data = buf;
    for (mp_uint_t sent = 0; sent < size;) {
        size_t n = simbus_write(data + sent, size - sent);
        if (n == 0) {
            mp_event_wait_ms(1);
        }
        sent += n;
    }
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg,
                                       int *errcode) {
    (void)self_in;
    if (request == MP_STREAM_POLL) {
        mp_uint_t ready = 0;
        if ((arg & MP_STREAM_POLL_RD) && simbus_available()) {
            ready |= MP_STREAM_POLL_RD;
        }
        if ((arg & MP_STREAM_POLL_WR) && simbus_room()) {
            ready |= MP_STREAM_POLL_WR;
        }
        return ready;
    }
    if (request == MP_STREAM_FLUSH) {
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

MP_REGISTER_ROOT_POINTER(mp_obj_t uart1_handler);
