// SPDX-License-Identifier: Apache-2.0
// From the core's reset to main().

#include <stdint.h>
#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "fault.h"

extern uint32_t _stack_top, _stack_limit;
extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end;

void systick_isr(void);
void pendsv_isr(void);
void uart0_isr(void);
void uart1_isr(void);
int main(void);

// Paints the free stack, so that its high-water mark can be read later.
#define STACK_PAINT 0xA5A5A5A5u

__attribute__((used, noreturn)) static void start_c(void) {
    for (uint32_t *p = &_stack_limit; p < (uint32_t *)__builtin_frame_address(0) - 16; p++) {
        *p = STACK_PAINT;
    }
    memcpy(&_data_start, &_data_load, (size_t)((char *)&_data_end - (char *)&_data_start));
    memset(&_bss_start, 0, (size_t)((char *)&_bss_end - (char *)&_bss_start));
    SCB_CCR |= CCR_DIV_0_TRP;
    SCB_SHCSR |= SHCSR_FAULTS_ENABLED;
    main();
    fault_die("main returned");
}

// The FPU is off at reset, and the compiler may use it or Helium in any C function: on first.
__attribute__((naked, noreturn)) void reset_isr(void) {
    __asm volatile("ldr r0, =_stack_top\n"
                   "mov sp, r0\n"
#if __ARM_ARCH >= 8
                   "ldr r0, =_stack_limit\n"
                   "msr msplim, r0\n"
#endif
                   "ldr r0, =0xE000ED88\n"
                   "ldr r1, [r0]\n"
                   "orr r1, r1, #0xF00000\n"
                   "str r1, [r0]\n"
                   "dsb\n"
                   "isb\n"
                   "b start_c\n");
}

uint32_t stack_peak_bytes(void) {
    const uint32_t *p = &_stack_limit;
    while (p < &_stack_top && *p == STACK_PAINT) {
        p++;
    }
    return (uint32_t)((const char *)&_stack_top - (const char *)p);
}

#define VECTOR(function) ((uintptr_t)(function))

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16 + BOARD_IRQ_COUNT] = {
    [0] = VECTOR(&_stack_top),
    [1] = VECTOR(reset_isr),
    [2 ... 13] = VECTOR(fault_isr),
    [EXCEPTION_PENDSV] = VECTOR(pendsv_isr),
    [EXCEPTION_SYSTICK] = VECTOR(systick_isr),
    [16 ... 16 + BOARD_IRQ_COUNT - 1] = VECTOR(fault_isr),
    [16 + BOARD_UART0_RX_IRQ] = VECTOR(uart0_isr),
    [16 + BOARD_UART1_RX_IRQ] = VECTOR(uart1_isr),
};
