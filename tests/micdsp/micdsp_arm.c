// SPDX-License-Identifier: Apache-2.0
// A bare-metal program for QEMU's Arm boards. It prints, by semihosting, the features of the
// samples that the test compiles in, a line of hex for each frame, then the SysTick counts that
// they took.
#include "micdsp.h"

extern const int16_t samples[];
extern const uint32_t sample_count;

#define SYS_WRITE0 4
#define SYS_EXIT 0x18
#define APPLICATION_EXIT 0x20026
#define COUNTER_BITS 0xFFFFFFu

static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010; // control, reload, value
static volatile uint32_t *const cpacr = (volatile uint32_t *)0xE000ED88;

static micdsp_frontend_t frontend;
static uint16_t features[MICDSP_CHANNELS];

static __attribute__((noinline)) void semihost(uint32_t operation, const void *argument) {
    __asm__ volatile("mov r0, %0\n mov r1, %1\n bkpt 0xab"
                     :
                     : "r"(operation), "r"(argument)
                     : "r0", "r1", "memory");
}

static void print_hex(uint32_t value, int digits, const char *after) {
    char text[9] = {0};
    for (int i = 0; i < digits; i++) {
        text[i] = "0123456789abcdef"[value >> (4 * (digits - 1 - i)) & 15];
    }
    semihost(SYS_WRITE0, text);
    semihost(SYS_WRITE0, after);
}

static __attribute__((noinline)) void run(void) {
    uint32_t ticks = 0;
    systick[1] = COUNTER_BITS;
    systick[2] = 0;
    systick[0] = 5; // enabled, processor clock
    micdsp_frontend_reset(&frontend);
    for (uint32_t i = 0; i + MICDSP_HOP_SAMPLES <= sample_count; i += MICDSP_HOP_SAMPLES) {
        uint32_t start = systick[2];
        size_t frames =
            micdsp_frontend_process(&frontend, samples + i, MICDSP_HOP_SAMPLES, features);
        ticks += (start - systick[2]) & COUNTER_BITS;
        for (int j = 0; frames && j < MICDSP_CHANNELS; j++) {
            print_hex(features[j], 4, j < MICDSP_CHANNELS - 1 ? "" : "\n");
        }
    }
    print_hex(ticks, 8, "\n");
    semihost(SYS_EXIT, (const void *)APPLICATION_EXIT);
}

static void start(void) {
    *cpacr |= 0xF << 20; // floating point and Helium, before any of their instructions
    __asm__ volatile("dsb\n isb");
    run();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    (const void *)0x20040000, // stack, in the RAM of either board
    (const void *)start,
};
