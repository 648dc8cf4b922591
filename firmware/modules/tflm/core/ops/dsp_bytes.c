// SPDX-License-Identifier: Apache-2.0
// Copies and fills for Arm's DSP extension, with loads and stores of many words at once where
// these are aligned; bytes.c has the reference.
#include "bytes.h"
#include "dsp.h"

#ifdef TFLM_DSP

// Copies words at any alignment; reads four before it writes what they overlap further down.
static void copy_words(int8_t *to, const int8_t *from, size_t bytes) {
    for (; bytes >= 16; bytes -= 16) {
        __asm__ volatile("ldr r3, [%[from]], #4\n\t"
                         "ldr r4, [%[from]], #4\n\t"
                         "ldr r5, [%[from]], #4\n\t"
                         "ldr r6, [%[from]], #4\n\t"
                         "str r3, [%[to]], #4\n\t"
                         "str r4, [%[to]], #4\n\t"
                         "str r5, [%[to]], #4\n\t"
                         "str r6, [%[to]], #4"
                         : [to] "+r"(to), [from] "+r"(from)::"r3", "r4", "r5", "r6", "memory");
    }
    for (; bytes; bytes--) {
        *to++ = *from++;
    }
}

void tflm_move_down(uint8_t *to, uint32_t distance, size_t bytes) {
    copy_words((int8_t *)to, (const int8_t *)to + distance, bytes);
}

void tflm_copy(int8_t *to, const int8_t *from, size_t bytes) {
    for (; bytes >= 32 && !(((uintptr_t)to | (uintptr_t)from) % 4); bytes -= 32) {
        __asm__ volatile("ldmia %[from]!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
                         "stmia %[to]!, {r3, r4, r5, r6, r8, r9, r10, r12}"
                         : [to] "+r"(to), [from] "+r"(from)::"r3", "r4", "r5", "r6", "r8", "r9",
                           "r10", "r12", "memory");
    }
    copy_words(to, from, bytes);
}

// Copies contiguous, aligned runs of 8 bytes to places `step` bytes apart, four at a time; returns
// how many.
static uint32_t spread_eights(int8_t *to, const int8_t *from, uint32_t count, int32_t step) {
    for (uint32_t turns = count / 4; turns; turns--) {
        __asm__ volatile("ldmia %[from]!, {r4, r5, r6, r8}\n\t"
                         "strd r4, r5, [%[to]]\n\t"
                         "add %[to], %[step]\n\t"
                         "strd r6, r8, [%[to]]\n\t"
                         "ldmia %[from]!, {r4, r5, r6, r8}\n\t"
                         "add %[to], %[step]\n\t"
                         "strd r4, r5, [%[to]]\n\t"
                         "add %[to], %[step]\n\t"
                         "strd r6, r8, [%[to]]\n\t"
                         "add %[to], %[step]"
                         : [to] "+r"(to), [from] "+r"(from)
                         : [step] "r"(step)
                         : "r4", "r5", "r6", "r8", "memory");
    }
    return count - count % 4;
}

void tflm_copy_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count, int32_t to_step,
                    int32_t from_step) {
    if (run == 1) {
        for (; count; count--, to += to_step, from += from_step) {
            *to = *from;
        }
        return;
    }
    if (run == 8 && from_step == 8 &&
        !(((uintptr_t)to | (uintptr_t)from | (uint32_t)to_step) % 4)) {
        uint32_t copied = spread_eights(to, from, count, to_step);
        count -= copied;
        to += (int32_t)copied * to_step;
        from += (int32_t)copied * from_step;
    }
    for (; count; count--, to += to_step, from += from_step) {
        if (run == 8) {
            memcpy(to, from, 8); // The size is constant, so this needs no call.
        } else {
            tflm_copy(to, from, run);
        }
    }
}

void tflm_fill_runs(int8_t *to, uint32_t pattern, uint32_t run, uint32_t count, int32_t step) {
    for (; count; count--, to += step) {
        int8_t *at = to, *end = to + run;
        for (; end - at >= 8; at += 8) {
            uint32_t words[] = {pattern, pattern};
            memcpy(at, words, sizeof words);
        }
        for (uint32_t rest = pattern; at < end; rest = rest >> 8 | rest << 24) {
            *at++ = (int8_t)rest;
        }
    }
}

#endif
