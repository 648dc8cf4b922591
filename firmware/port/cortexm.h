// SPDX-License-Identifier: Apache-2.0
// The Cortex-M system registers this port uses; names and addresses as in the Armv7-M and Armv8-M
// architecture reference manuals.
#ifndef GLINT_PORT_CORTEXM_H
#define GLINT_PORT_CORTEXM_H

#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))

#define SYST_CSR REG32(0xE000E010)
#define SYST_RVR REG32(0xE000E014)
#define SYST_CVR REG32(0xE000E018)
#define NVIC_ISER(n) REG32(0xE000E100 + 4 * (n))
#define NVIC_IPR8(irq) (*(volatile uint8_t *)(0xE000E400 + (irq)))
#define SCB_CPUID REG32(0xE000ED00)
#define SCB_ICSR REG32(0xE000ED04)
#define SCB_AIRCR REG32(0xE000ED0C)
#define SCB_SHPR8(exception) (*(volatile uint8_t *)(0xE000ED18 + (exception) - 4))
#define SCB_SHCSR REG32(0xE000ED24)
#define SCB_CFSR REG32(0xE000ED28)
#define SCB_HFSR REG32(0xE000ED2C)
#define SCB_MMFAR REG32(0xE000ED34)
#define SCB_BFAR REG32(0xE000ED38)
#define SCB_CPACR REG32(0xE000ED88)
#define SCB_CCR REG32(0xE000ED14)

#define SYST_CSR_ENABLE (1u << 0)
#define SYST_CSR_TICKINT (1u << 1)
#define SYST_CSR_CLKSOURCE (1u << 2)
#define ICSR_PENDSVSET (1u << 28)
#define ICSR_PENDSTSET (1u << 26)
#define AIRCR_SYSRESETREQ 0x05FA0004u
#define CCR_DIV_0_TRP (1u << 4)
#define SHCSR_FAULTS_ENABLED (7u << 16) // memory, bus and usage faults
#define CPACR_FPU (0xFu << 20)

#define EXCEPTION_PENDSV 14
#define EXCEPTION_SYSTICK 15

// Priorities: the console is above what `irq_lock` masks, so that no script can shut out the
// wearer's way into safe mode. It touches nothing of MicroPython's; PendSV does that for it.
#define PRIORITY_CONSOLE 0x00
#define PRIORITY_LOCKED 0x40
#define PRIORITY_UART 0x80
#define PRIORITY_SYSTICK 0x80
#define PRIORITY_PENDSV 0xC0

static inline uint32_t irq_lock(void) {
    uint32_t basepri;
    __asm volatile("mrs %0, basepri" : "=r"(basepri));
    __asm volatile("msr basepri_max, %0" ::"r"(PRIORITY_LOCKED) : "memory");
    return basepri;
}

static inline void irq_unlock(uint32_t basepri) {
    __asm volatile("msr basepri, %0" ::"r"(basepri) : "memory");
}

static inline void wait_for_interrupt(void) {
    __asm volatile("dsb\n wfi" ::: "memory");
}

static inline void irq_enable(unsigned irq, uint8_t priority) {
    NVIC_IPR8(irq) = priority;
    NVIC_ISER(irq / 32) = 1u << (irq % 32);
}

#endif
