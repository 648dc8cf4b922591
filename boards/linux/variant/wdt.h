// SPDX-License-Identifier: Apache-2.0
// Included by MicroPython's extmod/machine_wdt.c. It is no .c file because the unix port compiles
// all of those in a variant. An unhandled SIGALRM ends the process, as a chip's watchdog resets the
// chip.

#include <sys/time.h>

struct _machine_wdt_obj_t {
    mp_obj_base_t base;
    mp_int_t timeout_ms;
};

static machine_wdt_obj_t wdt = {{&machine_wdt_type}, 0};

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    struct itimerval once = {
        .it_value = {.tv_sec = self->timeout_ms / 1000, .tv_usec = self->timeout_ms % 1000 * 1000},
    };
    setitimer(ITIMER_REAL, &once, NULL);
}

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id != 0) {
        mp_raise_msg_varg(&mp_type_ValueError,
                          MP_ERROR_TEXT("WDT(%d) doesn't exist; there is WDT(0)"), (int)id);
    }
    if (timeout_ms <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("timeout must be at least 1 ms"));
    }
    wdt.timeout_ms = timeout_ms;
    mp_machine_wdt_feed(&wdt);
    return &wdt;
}
