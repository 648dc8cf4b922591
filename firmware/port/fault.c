// SPDX-License-Identifier: Apache-2.0
// After a fault, or when the watchdog expires, prints what the core was doing, and resets the chip.

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "cortexm.h"
#include "fault.h"
#include "retained.h"
#include "uart.h"
#include "py/mpprint.h"

enum { R0, R1, R2, R3, R12, LR, PC, XPSR, FRAME_WORDS };

#define EXCEPTION_NMI 2
#define EXCEPTION_NAMES 8

extern uint32_t _stack_limit, _stack_top;

static const char *const exception_names[EXCEPTION_NAMES] = {
    [2] = "watchdog",  [3] = "hard fault",  [4] = "memory fault",
    [5] = "bus fault", [6] = "usage fault", [7] = "secure fault"};

static const struct {
    uint32_t bit;
    const char *text;
} reasons[] = {
    {1u << 0, "fetched an instruction from where none may be"},
    {1u << 1, "accessed protected memory"},
    {1u << 8, "fetched an instruction from where no memory is"},
    {1u << 9, "accessed an address where nothing is"},
    {1u << 10, "accessed an address where nothing is (late report)"},
    {1u << 16, "undefined instruction"},
    {1u << 17, "jumped to an address that is not Thumb code"},
    {1u << 19, "used a coprocessor that is off"},
    {1u << 20, "stack overflow"},
    {1u << 24, "unaligned access"},
    {1u << 25, "divided by zero"},
};

static void print_polled(void *env, const char *text, size_t size) {
    (void)env;
    console_write_polled(text, size);
    for (; size && retained.report_bytes < REPORT_BYTES_MAX; size--) {
        retained.report[retained.report_bytes++] = *text++;
    }
}

static const mp_print_t polled = {NULL, print_polled};

void fault_die(const char *what) {
    retained.report_bytes = 0;
    mp_printf(&polled, "\r\n*** %s\r\n*** resetting\r\n", what);
    chip_reset(RESET_FAULT);
}

// `saved`: r4 to r11; `frame`: what the core stacked.
__attribute__((used)) void fault_report(const uint32_t *frame, const uint32_t *saved) {
    retained.report_bytes = 0;
    uint32_t exception = SCB_ICSR & 0x1FF;
    const char *name = exception < EXCEPTION_NAMES ? exception_names[exception] : NULL;
    mp_printf(&polled, "\r\n*** %s", name ? name : "unexpected interrupt");
    uint32_t cfsr = exception == EXCEPTION_NMI ? 0 : SCB_CFSR;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (cfsr & reasons[i].bit) {
            mp_printf(&polled, ": %s", reasons[i].text);
        }
    }
    mp_printf(&polled, "\r\n*** exception %u cfsr %08x hfsr %08x mmfar %08x bfar %08x\r\n",
              (unsigned)exception, (unsigned)cfsr, (unsigned)SCB_HFSR, (unsigned)SCB_MMFAR,
              (unsigned)SCB_BFAR);
    for (unsigned i = 0; i < 8; i++) {
        mp_printf(&polled, "%s r%-2u %08x%s", i % 4 == 0 ? "***" : "", i + 4, (unsigned)saved[i],
                  i % 4 == 3 ? "\r\n" : " ");
    }
    // After a stack overflow the core may have had no room for the frame.
    if (frame >= &_stack_limit && frame + FRAME_WORDS <= &_stack_top) {
        mp_printf(&polled, "*** r0  %08x  r1  %08x  r2  %08x  r3  %08x\r\n", (unsigned)frame[R0],
                  (unsigned)frame[R1], (unsigned)frame[R2], (unsigned)frame[R3]);
        mp_printf(&polled, "*** r12 %08x  lr  %08x  pc  %08x  psr %08x\r\n", (unsigned)frame[R12],
                  (unsigned)frame[LR], (unsigned)frame[PC], (unsigned)frame[XPSR]);
    }
    mp_printf(&polled, "*** sp  %08x  resetting\r\n", (unsigned)(uintptr_t)frame);
    chip_reset(exception == EXCEPTION_NMI ? RESET_WDT : RESET_FAULT);
}

// Faults run on the stack's own lowest part: the stack may be what broke.
__attribute__((naked)) void fault_isr(void) {
    __asm volatile(
#if __ARM_ARCH >= 8
        "mov r0, #0\n"
        "msr msplim, r0\n"
#endif
        "mov r0, sp\n"
        "ldr r1, =_fault_stack_top\n"
        "mov sp, r1\n"
        "push {r4-r11}\n"
        "mov r1, sp\n"
        "b fault_report\n");
}
