// SPDX-License-Identifier: Apache-2.0
// Included by MicroPython's extmod/machine_wdt.c.
// Registers: Arm Cortex-M System Design Kit, "APB watchdog". Its first timeout is the NMI, which
// reports and resets (fault.c); should that fail, the second one resets the chip by itself.

#include "board.h"
#include "cortexm.h"

#define WDT_LOAD REG32(BOARD_WDT_BASE + 0x00)
#define WDT_CONTROL REG32(BOARD_WDT_BASE + 0x08)
#define WDT_INTCLR REG32(BOARD_WDT_BASE + 0x0C)
#define WDT_LOCK REG32(BOARD_WDT_BASE + 0xC00)
#define WDT_UNLOCK_KEY 0x1ACCE551u
#define WDT_ENABLE 3u
#define WDT_TIMEOUT_MAX_MS (0xFFFFFFFFull * 1000 / BOARD_WDT_CLOCK_HZ)

struct _machine_wdt_obj_t {
    mp_obj_base_t base;
};

static machine_wdt_obj_t wdt = {{&machine_wdt_type}};

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id != 0) {
        mp_raise_msg_varg(&mp_type_ValueError,
                          MP_ERROR_TEXT("WDT(%d) doesn't exist; there is WDT(0)"), id);
    }
    if (timeout_ms <= 0 || (uint64_t)timeout_ms > WDT_TIMEOUT_MAX_MS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("timeout must be 1 to %u ms"),
                          (unsigned)WDT_TIMEOUT_MAX_MS);
    }
    WDT_LOCK = WDT_UNLOCK_KEY;
    WDT_LOAD = (uint32_t)((uint64_t)timeout_ms * BOARD_WDT_CLOCK_HZ / 1000);
    WDT_INTCLR = 1;
    WDT_CONTROL = WDT_ENABLE;
    return &wdt;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    (void)self;
    WDT_INTCLR = 1; // reloads the counter too
}
