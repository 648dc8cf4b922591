// SPDX-License-Identifier: Apache-2.0
// The hardware layer that MicroPython calls: console, time and delays.

#include "cortexm.h"
#include "timebase.h"

#define MICROPY_BEGIN_ATOMIC_SECTION() irq_lock()
#define MICROPY_END_ATOMIC_SECTION(state) irq_unlock(state)

// SysTick wakes the core each millisecond, which bounds every timeout and every lost race.
#define MICROPY_INTERNAL_WFE(timeout_ms) ((void)(timeout_ms), wait_for_interrupt())

static inline mp_uint_t mp_hal_ticks_ms(void) {
    return timebase_ms();
}
#define mp_hal_ticks_ms mp_hal_ticks_ms

static inline mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)timebase_us();
}
#define mp_hal_ticks_us mp_hal_ticks_us

static inline mp_uint_t mp_hal_ticks_cpu(void) {
    return (mp_uint_t)timebase_cycles();
}
#define mp_hal_ticks_cpu mp_hal_ticks_cpu

void mp_hal_set_interrupt_char(int c);
