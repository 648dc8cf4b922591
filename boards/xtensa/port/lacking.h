// SPDX-License-Identifier: Apache-2.0
// What an ESP32-S3's core has and QEMU's lacks.
#ifndef GLINT_XTENSA_LACKING_H
#define GLINT_XTENSA_LACKING_H

#include <stdbool.h>
#include <stdint.h>

// What CONFIGID0 holds, from ESP-IDF v5.4's
// components/xtensa/CHIP/include/xtensa/config/core-isa.h, XCHAL_HW_CONFIGID0.
#define LACKING_ESP32S3 0xc2f0fffeu
// Plays one whose vector unit adds wrongly.
#define LACKING_DAMAGED 0xc2f0ffffu

// Registers at a trap, laid out as Linux on Xtensa has them: QEMU's linux-user/xtensa/signal.c.
typedef struct {
    uint32_t flags, link, stack[3];
    uint32_t pc, ps, lbeg, lend, lcount, sar, acclo, acchi, a[16];
} context_t;

// From here on, programs may use MULUH, MULSH and RSR.CONFIGID0, which gives `identity`; and where
// that is an ESP32-S3's, the instructions of its vector unit that vectors.c knows.
void lacking_enable(uint32_t identity);

// Writes on standard error how many vector instructions were run beside those that trapped: what
// follows one that trapped is run at once with it, and no counter sees it.
void lacking_tell(void);

extern bool vectors_damaged;

// Does what the vector instruction in `word` does, but for going on to the next one; gives its
// bytes, 0 when it is none.
uint32_t vectors_run(uint32_t word, uint32_t *a);

#endif
