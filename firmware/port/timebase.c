// SPDX-License-Identifier: Apache-2.0
// Time since the chip's reset, from SysTick.

#include "board.h"
#include "cortexm.h"
#include "timebase.h"

#define CYCLES_PER_MS (BOARD_CLOCK_HZ / 1000)
#define CYCLES_PER_US (BOARD_CLOCK_HZ / 1000000)

static volatile uint64_t ticks_ms;

void timebase_init(void) {
    SCB_SHPR8(EXCEPTION_SYSTICK) = PRIORITY_SYSTICK;
    SYST_RVR = CYCLES_PER_MS - 1;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_TICKINT | SYST_CSR_CLKSOURCE;
}

void systick_isr(void) {
    ticks_ms++;
}

uint32_t timebase_ms(void) {
    return (uint32_t)ticks_ms;
}

// Milliseconds, and cycles into the present one.
static uint32_t read_clock(uint64_t *ms) {
    uint32_t state = irq_lock();
    uint32_t left = SYST_CVR;
    *ms = ticks_ms;
    if (SCB_ICSR & ICSR_PENDSTSET) {
        // It wrapped and its interrupt waits: read again, so that `left` is after the wrap for
        // sure.
        left = SYST_CVR;
        *ms += 1;
    }
    uint32_t cycles = CYCLES_PER_MS - 1 - left;
    // In QEMU counter and interrupt come from two threads: on a busy host, a wrap is seen before
    // its interrupt waits. Time stands still until then.
    static uint64_t last_ms;
    static uint32_t last_cycles;
    if (*ms < last_ms || (*ms == last_ms && cycles < last_cycles)) {
        *ms = last_ms;
        cycles = last_cycles;
    }
    last_ms = *ms;
    last_cycles = cycles;
    irq_unlock(state);
    return cycles;
}

uint64_t timebase_cycles(void) {
    uint64_t ms;
    uint32_t cycles = read_clock(&ms);
    return ms * CYCLES_PER_MS + cycles;
}

uint64_t timebase_us(void) {
    uint64_t ms;
    uint32_t cycles = read_clock(&ms);
    return ms * 1000 + cycles / CYCLES_PER_US;
}
