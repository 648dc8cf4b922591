// SPDX-License-Identifier: Apache-2.0
// Faults: prints what the core was doing, and resets the chip.
#ifndef GLINT_PORT_FAULT_H
#define GLINT_PORT_FAULT_H

// The handler of every fault, of the NMI (the watchdog) and of interrupts nobody asked for.
void fault_isr(void);

// Prints `what` and resets the chip.
__attribute__((noreturn)) void fault_die(const char *what);

#endif
