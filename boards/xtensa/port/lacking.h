// SPDX-License-Identifier: Apache-2.0
// What an ESP32-S3's core has and QEMU's lacks.
#ifndef GLINT_XTENSA_LACKING_H
#define GLINT_XTENSA_LACKING_H

#include <stdbool.h>
#include <stdint.h>

// The contents of CONFIGID0, from ESP-IDF v5.4's
// components/xtensa/CHIP/include/xtensa/config/core-isa.h, XCHAL_HW_CONFIGID0.
#define LACKING_ESP32S3 0xc2f0fffeu
// For an ESP32-S3 whose vector unit adds wrongly.
#define LACKING_DAMAGED 0xc2f0ffffu

// Registers at a trap, laid out as Linux on Xtensa has them: QEMU's linux-user/xtensa/signal.c.
typedef struct {
    uint32_t flags, link, stack[3];
    uint32_t pc, ps, lbeg, lend, lcount, sar, acclo, acchi, a[16];
} context_t;

// From here on, programs may use MULUH, MULSH and RSR.CONFIGID0, which gives `identity`. If that is
// an ESP32-S3's, they may also use the instructions of its vector unit that vectors.c knows.
void lacking_enable(uint32_t identity);

// Writes to standard error how many vector instructions ran besides those that trapped. Those that
// follow a trapped one run at once with it, so no counter sees them.
void lacking_tell(void);

extern bool vectors_damaged;

// Runs the vector instruction in `word`, without moving on to the next one; returns its bytes, or 0
// if it is not a vector instruction.
uint32_t vectors_run(uint32_t word, uint32_t *a);

#endif
