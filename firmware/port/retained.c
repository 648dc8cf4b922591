// SPDX-License-Identifier: Apache-2.0
// Data that outlive a reset: its cause, the count of crashes, safe mode.

#include "cortexm.h"
#include "retained.h"
#include "timebase.h"

#define MAGIC 0x746E6C67u

__attribute__((section(".retained"))) struct retained retained;

void retained_init(void) {
    if (retained.magic != MAGIC) {
        retained.magic = MAGIC;
        retained.cause = RESET_POWER_ON;
        retained.boots = 0;
        retained.failures = 0;
        retained.clock_offset_us = 0;
        retained.report_bytes = 0;
    }
    retained.boots++;
}

bool retained_safe_mode(void) {
    return retained.cause == RESET_BREAK || retained.failures >= FAILURES_TO_SAFE_MODE;
}

void chip_reset(enum reset_cause cause) {
    if (cause != RESET_FAULT && cause != RESET_WDT) {
        retained.failures = 0;
    } else if (retained.failures >= FAILURES_TO_SAFE_MODE ||
               timebase_us() > FAILURE_MEMORY_MS * 1000ull) {
        retained.failures = 1; // what failed is not what runs at start
    } else {
        retained.failures++;
    }
    retained.cause = cause;
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
        __asm volatile("" ::: "memory");
    }
}
