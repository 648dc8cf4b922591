// SPDX-License-Identifier: Apache-2.0
// Emulates instructions that trap as illegal: MULUH, MULSH, RSR.CONFIGID0 and, with vectors.c,
// those of the vector unit.
#include "lacking.h"

#include "linux.h"

enum { SIGNAL_ILLEGAL = 4, WITH_RESTORER = 0x04000000, MASK_BYTES = 8 };
enum {
    OPCODE_MULUH = 0xa20000,
    OPCODE_MULSH = 0xb20000,
    OPCODE_MASK = 0xff000f,
    RSR_CONFIGID0 = 0x03b000,
    RSR_MASK = 0xffff0f
};

typedef struct {
    void (*handler)(int signal, void *information, context_t *context);
    uint32_t flags;
    void (*restorer)(void);
    uint32_t mask[2];
} action_t;

void linux_return_from_signal(void); // windows.s

static uint32_t untrapped;
static uint32_t identity;

// Runs an instruction; returns its bytes, or 0 if it is unknown.
static uint32_t run(uint32_t word, uint32_t *a) {
    uint32_t left = a[word >> 8 & 15], right = a[word >> 4 & 15];
    if ((word & OPCODE_MASK) == OPCODE_MULUH) {
        a[word >> 12 & 15] = (uint32_t)((uint64_t)left * right >> 32);
    } else if ((word & OPCODE_MASK) == OPCODE_MULSH) {
        a[word >> 12 & 15] = (uint32_t)((int64_t)(int32_t)left * (int32_t)right >> 32);
    } else if ((word & RSR_MASK) == RSR_CONFIGID0) {
        a[word >> 4 & 15] = identity;
    } else {
        return identity == LACKING_ESP32S3 ? vectors_run(word, a) : 0;
    }
    return 3;
}

static uint32_t word_at(uint32_t pc) {
    const uint8_t *at = (const uint8_t *)pc;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void on_illegal(int signal, void *information, context_t *context) {
    (void)information;
    uint32_t bytes = run(word_at(context->pc), context->a);
    if (!bytes) {
        linux_exit(128 + signal);
    }
    do {
        context->pc += bytes;
        if (context->pc == context->lend && context->lcount) {
            context->lcount--;
            context->pc = context->lbeg;
        }
        bytes = identity == LACKING_ESP32S3 ? vectors_run(word_at(context->pc), context->a) : 0;
        untrapped += bytes != 0;
    } while (bytes);
}

void lacking_enable(uint32_t chip) {
    action_t action = {on_illegal, WITH_RESTORER, linux_return_from_signal, {0}};
    vectors_damaged = chip == LACKING_DAMAGED;
    identity = vectors_damaged ? LACKING_ESP32S3 : chip;
    linux_call(LINUX_RT_SIGACTION, SIGNAL_ILLEGAL, (long)&action, 0, MASK_BYTES);
}

void lacking_tell(void) {
    char line[] = "vectors 0000000000\n";
    uint32_t count = untrapped;
    for (char *digit = line + sizeof line - 3; count; count /= 10) {
        *digit-- = (char)('0' + count % 10);
    }
    linux_give(2, line, sizeof line - 1);
}
