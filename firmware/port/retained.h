// SPDX-License-Identifier: Apache-2.0
// What outlives a reset: RAM that neither startup nor the image's loader touches.
#ifndef GLINT_PORT_RETAINED_H
#define GLINT_PORT_RETAINED_H

#include <stdbool.h>
#include <stdint.h>

enum reset_cause {
    RESET_POWER_ON,
    RESET_HARD,  // machine.reset()
    RESET_WDT,   // the watchdog was not fed
    RESET_SOFT,  // ctrl-D, machine.soft_reset()
    RESET_FAULT, // a fault or a failed assertion
    RESET_BREAK, // the console's break sequence
};

#define REPORT_BYTES_MAX 768

struct retained {
    // The emulator's loader writes these two words at every reset (BOARD_SEED_ADDRESS).
    uint32_t seed[2];
    uint32_t magic;
    uint32_t cause;
    uint32_t boots;
    // Faults and watchdog resets one after another, without a quiet FAILURE_MEMORY_MS between.
    uint32_t failures;
    int64_t clock_offset_us; // the time that was set, less the clock's own
    // What the last fault or expired watchdog printed.
    uint32_t report_bytes;
    char report[REPORT_BYTES_MAX];
};

extern struct retained retained;

// More than an application needs for a safe mode of its own, which it counts the same three crashes
// for.
#define FAILURES_TO_SAFE_MODE 5
#define FAILURE_MEMORY_MS 30000

// Called once at start: tells a power-on from a reset.
void retained_init(void);
// True if boot.py and main.py must not run.
bool retained_safe_mode(void);
// Resets the chip; the next start finds `cause`.
__attribute__((noreturn)) void chip_reset(enum reset_cause cause);

#endif
