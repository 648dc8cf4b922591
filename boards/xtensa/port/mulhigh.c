// SPDX-License-Identifier: Apache-2.0
// MULUH and MULSH, which ESP32-S3 has and QEMU's core has not: emulated when they trap as illegal.
// The layouts are those of Linux on Xtensa, as QEMU's linux-user/xtensa/signal.c has them.
#include "mulhigh.h"

#include <stdint.h>

#include "linux.h"

enum { SIGNAL_ILLEGAL = 4, WITH_RESTORER = 0x04000000, MASK_BYTES = 8 };
enum { OPCODE_MULUH = 0xa20000, OPCODE_MULSH = 0xb20000, OPCODE_MASK = 0xff000f };

typedef struct {
    uint32_t flags, link, stack[3];
    uint32_t pc, ps, lbeg, lend, lcount, sar, acclo, acchi, a[16];
} context_t;

typedef struct {
    void (*handler)(int signal, void *information, context_t *context);
    uint32_t flags;
    void (*restorer)(void);
    uint32_t mask[2];
} action_t;

void linux_return_from_signal(void); // windows.s

static void on_illegal(int signal, void *information, context_t *context) {
    (void)information;
    const uint8_t *at = (const uint8_t *)context->pc;
    uint32_t word = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    uint32_t left = context->a[word >> 8 & 15], right = context->a[word >> 4 & 15];
    uint32_t *result = &context->a[word >> 12 & 15];
    if ((word & OPCODE_MASK) == OPCODE_MULUH) {
        *result = (uint32_t)((uint64_t)left * right >> 32);
    } else if ((word & OPCODE_MASK) == OPCODE_MULSH) {
        *result = (uint32_t)((int64_t)(int32_t)left * (int32_t)right >> 32);
    } else {
        linux_exit(128 + signal);
    }
    context->pc += 3;
}

void mulhigh_enable(void) {
    action_t action = {on_illegal, WITH_RESTORER, linux_return_from_signal, {0}};
    linux_call(LINUX_RT_SIGACTION, SIGNAL_ILLEGAL, (long)&action, 0, MASK_BYTES);
}
