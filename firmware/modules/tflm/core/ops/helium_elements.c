// SPDX-License-Identifier: Apache-2.0
// Operators on elements of two tensors for Helium; elements.c has the reference. It is in assembly
// for loops whose last iteration handles the rest of a vector, and because GCC 12 spills registers.
#include "elements.h"

#ifdef TFLM_HELIUM

#include <arm_mve.h>

// The end of tflm_scale_apply: multiplies `value` and rounds, then shifts by lanes of `right`,
// which are at most 0, and rounds halves away from zero. Overwrites q2.
#define SCALE(value, multiplier, right)                                                            \
    "vqrdmulh.s32 " value ", " value ", " multiplier "\n\t"                                        \
    "vand q2, " value ", " right "\n\t"                                                            \
    "vshr.s32 q2, q2, #31\n\t"                                                                     \
    "vadd.i32 " value ", " value ", q2\n\t"                                                        \
    "vrshl.s32 " value ", " value ", " right "\n\t"
#define FINISH(store)                                                                              \
    "vadd.i32 q0, q0, %[zero_point]\n\t"                                                           \
    "vmax.s32 q0, q0, %q[low]\n\t"                                                                 \
    "vmin.s32 q0, q0, %q[high]\n\t" store ".32 q0, [%[to]], %[step]\n\t"                           \
    "letp lr, 1b\n"                                                                                \
    "2:"

#define SUM(name, load, store, bits_left, bytes)                                                   \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        const tflm_arithmetic_t *self = op;                                                        \
        const void *x = self->swapped ? b : a, *y = self->swapped ? a : b;                         \
        register int32x4_t second __asm__("q3") = vdupq_n_s32(self->second_scale.shift);           \
        register int32x4_t right __asm__("q5") = vdupq_n_s32(self->to.scale.shift);                \
        register int32x4_t low __asm__("q6") = vdupq_n_s32(self->to.low);                          \
        register int32x4_t high __asm__("q7") = vdupq_n_s32(self->to.high);                        \
        __asm__ volatile(                                                                          \
            "ldr lr, %[n]\n\t"                                                                     \
            "wlstp.32 lr, lr, 2f\n"                                                                \
            "1:\n\t" load ".s32 q0, [%[y]], %[step]\n\t"                                           \
            "vadd.i32 q0, q0, %[y_offset]\n\t"                                                     \
            "vshl.i32 q0, q0, #" bits_left "\n\t" SCALE("q0", "%[y_multiplier]", "%q[second]")     \
                load ".s32 q1, [%[x]], %[step]\n\t"                                                \
                     "vadd.i32 q1, q1, %[x_offset]\n\t"                                            \
                     "vmul.i32 q0, q0, %[y_sign]\n\t"                                              \
                     "vmla.s32 q0, q1, %[x_factor]\n\t" SCALE("q0", "%[multiplier]", "%q[right]")  \
                         FINISH(store)                                                             \
            : [x] "+l"(x), [y] "+l"(y), [to] "+l"(output)                                          \
            : [n] "m"(n), [x_offset] "r"(self->first_offset), [y_offset] "r"(self->second_offset), \
              [y_sign] "r"(self->second_sign), [x_factor] "r"(self->first_factor),                 \
              [y_multiplier] "r"(self->second_scale.multiplier),                                   \
              [multiplier] "r"(self->to.scale.multiplier), [zero_point] "r"(self->to.zero_point),  \
              [second] "w"(second), [right] "w"(right), [low] "w"(low), [high] "w"(high),          \
              [step] "i"(4 * (bytes))                                                              \
            : "lr", "q0", "q1", "q2", "memory");                                                   \
    }

SUM(sum_8, "vldrb", "vstrb", "20", 1)
SUM(sum_16, "vldrh", "vstrh", "15", 2)

#define PRODUCT(name, load, store, bytes)                                                          \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        const tflm_arithmetic_t *self = op;                                                        \
        int32_t shift = self->to.scale.shift;                                                      \
        register int32x4_t left __asm__("q4") = vdupq_n_s32(shift > 0 ? shift : 0);                \
        register int32x4_t right __asm__("q5") = vdupq_n_s32(shift < 0 ? shift : 0);               \
        register int32x4_t low __asm__("q6") = vdupq_n_s32(self->to.low);                          \
        register int32x4_t high __asm__("q7") = vdupq_n_s32(self->to.high);                        \
        __asm__ volatile(                                                                          \
            "wlstp.32 lr, %[n], 2f\n"                                                              \
            "1:\n\t" load ".s32 q0, [%[a]], %[step]\n\t" load ".s32 q1, [%[b]], %[step]\n\t"       \
            "vadd.i32 q0, q0, %[x_offset]\n\t"                                                     \
            "vadd.i32 q1, q1, %[y_offset]\n\t"                                                     \
            "vmul.i32 q0, q0, q1\n\t"                                                              \
            "vshl.s32 q0, q0, %q[left]\n\t" SCALE("q0", "%[multiplier]", "%q[right]")              \
                FINISH(store)                                                                      \
            : [a] "+l"(a), [b] "+l"(b), [to] "+l"(output)                                          \
            : [n] "r"(n), [x_offset] "r"(self->first_offset), [y_offset] "r"(self->second_offset), \
              [multiplier] "r"(self->to.scale.multiplier), [zero_point] "r"(self->to.zero_point),  \
              [left] "w"(left), [right] "w"(right), [low] "w"(low), [high] "w"(high),              \
              [step] "i"(4 * (bytes))                                                              \
            : "lr", "q0", "q1", "q2", "memory");                                                   \
    }

PRODUCT(product_8, "vldrb", "vstrb", 1)
PRODUCT(product_16, "vldrh", "vstrh", 2)

#define CHOOSE(name, letter, bits, choose)                                                         \
    TFLM_RUN_OF_TWO(name) {                                                                        \
        (void)op;                                                                                  \
        __asm__ volatile("wlstp." bits " lr, %[n], 2f\n"                                           \
                         "1:\n\t"                                                                  \
                         "vldr" letter "." bits " q0, [%[a]], #16\n\t"                             \
                         "vldr" letter "." bits " q1, [%[b]], #16\n\t" choose ".s" bits            \
                         " q0, q0, q1\n\t"                                                         \
                         "vstr" letter "." bits " q0, [%[to]], #16\n\t"                            \
                         "letp lr, 1b\n"                                                           \
                         "2:"                                                                      \
                         : [a] "+r"(a), [b] "+r"(b), [to] "+r"(output)                             \
                         : [n] "r"(n)                                                              \
                         : "lr", "q0", "q1", "memory");                                            \
    }

CHOOSE(smaller_8, "b", "8", "vmin")
CHOOSE(smaller_16, "h", "16", "vmin")
CHOOSE(smaller_32, "w", "32", "vmin")
CHOOSE(larger_8, "b", "8", "vmax")
CHOOSE(larger_16, "h", "16", "vmax")
CHOOSE(larger_32, "w", "32", "vmax")

#endif
