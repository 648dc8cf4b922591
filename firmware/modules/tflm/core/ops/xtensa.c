// SPDX-License-Identifier: Apache-2.0
// Sums of products for Xtensa's MAC16 option, at several positions at a time. ESP32-S3 has it, and
// ESP-IDF saves its registers with a task's others
// (components/xtensa/esp32s3/include/xtensa/config, core-isa.h: XCHAL_HAVE_MAC16; tie.h:
// XCHAL_NCP_SA_LIST). Bytes are widened to 16 bits once for all of them, as there is no signed load
// of a byte; then a product takes one instruction, which also loads. dot.c has the reference.
#include "dense.h"

#ifdef TFLM_XTENSA

// Products that are summed up between two looks at memory, and what the loop reads too far.
enum { CHUNK = 64, AHEAD = 2, POSITIONS = TFLM_POSITIONS };

// n bytes, and zeros up to a multiple of four.
static void widen(const int8_t *from, uint32_t n, int16_t *to) {
    const int8_t *end = from + n;
    for (const int8_t *last = end - n % 4; from < last; from += 4, to += 4) {
        to[0] = from[0];
        to[1] = from[1];
        to[2] = from[2];
        to[3] = from[3];
    }
    while (from < end) {
        *to++ = *from++;
    }
    for (; n % 4; n++) {
        *to++ = 0;
    }
}

// `fours` times four products. The first instruction of a loop has to lie within four aligned
// bytes: behind a two-byte one and `loop`, which has three, it does.
static int32_t add_products(const int16_t *x, const int16_t *w, uint32_t fours, int32_t sum) {
    x -= 2; // Loads begin with a step.
    w -= 2;
    __asm__ volatile("wsr %[sum], acclo\n\t"
                     "ldinc m0, %[x]\n\t"
                     "ldinc m2, %[w]\n\t"
                     "j .Lloop%=\n\t"
                     ".p2align 2\n"
                     ".Lloop%=:\n\t"
                     "nop.n\n\t"
                     "loop %[fours], .Lproducts%=\n\t"
                     "mula.dd.ll.ldinc m1, %[x], m0, m2\n\t"
                     "mula.dd.hh.ldinc m3, %[w], m0, m2\n\t"
                     "mula.dd.ll.ldinc m0, %[x], m1, m3\n\t"
                     "mula.dd.hh.ldinc m2, %[w], m1, m3\n"
                     ".Lproducts%=:\n\t"
                     "rsr %[sum], acclo"
                     : [sum] "+r"(sum), [x] "+r"(x), [w] "+r"(w)
                     : [fours] "r"(fours)
                     : "memory");
    return sum;
}

void tflm_dense_positions(const int8_t *x, ptrdiff_t step, const int8_t *w, uint32_t n,
                          uint32_t channels, int32_t *sum) {
    int16_t inputs[POSITIONS][CHUNK + AHEAD] __attribute__((aligned(4)));
    int16_t weights[CHUNK + AHEAD] __attribute__((aligned(4)));
    for (uint32_t i = 0; i < POSITIONS * channels; i++) {
        sum[i] = 0;
    }
    for (uint32_t from = 0; from < n; from += CHUNK) {
        uint32_t count = n - from < CHUNK ? n - from : CHUNK;
        for (uint32_t position = 0; position < POSITIONS; position++) {
            widen(x + (ptrdiff_t)position * step + from, count, inputs[position]);
        }
        for (uint32_t channel = 0; channel < channels; channel++) {
            widen(w + (size_t)channel * n + from, count, weights);
            for (uint32_t position = 0; position < POSITIONS; position++) {
                int32_t *to = sum + position * channels + channel;
                *to = add_products(inputs[position], weights, (count + 3) / 4, *to);
            }
        }
    }
}

#endif
