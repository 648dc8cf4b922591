// SPDX-License-Identifier: Apache-2.0
// Sums of products with ESP32-S3's vector unit: 16 products of int8 per instruction. This has never
// run on a chip. It runs on the emulated core of boards/xtensa, which does what Espressif's manual
// says of each instruction. So a chip is first tested for whether it does too; otherwise plain C is
// used.
//
// Loads ignore the lowest four bits of addresses, so two loads make a vector of bytes that lie
// anywhere. The second is at the last byte needed: nothing is read but vectors that hold a needed
// byte.
//
// The unit's registers belong to coprocessor 3 ("cop_ai"), which ESP-IDF hands from task to task
// with their contents: components/xtensa/esp32s3/include/xtensa/config/tie.h, XCHAL_CP3_SA_LIST;
// components/freertos/FreeRTOS-Kernel/portable/xtensa/xtensa_vectors.S, _xt_coproc_exc. SAR_BYTE is
// saved as ACCLO is (XCHAL_NCP_SA_LIST). No interrupt handler runs this code. MicroPython runs no
// callback within a function below, and between two of them no register's contents are needed.
#include "xtensa.h"

#ifndef TFLM_XTENSA

bool tflm_use_vectors(bool allow) {
    (void)allow;
    return false;
}

#elif !defined(TFLM_WITHOUT_VECTORS)

#include <string.h>

#include "esp32s3.h"

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// Bytes of inputs; those of each position begin at a multiple of 16.
enum { INPUTS = 2 * TFLM_WIDENED };

static int8_t *place_in(int16_t *widened) {
    return (int8_t *)(((uintptr_t)widened + 15) & ~(uintptr_t)15);
}

static uint32_t whole_vectors(uint32_t n) {
    return (n + 15) & ~15u;
}

// Copies n bytes, and adds zeros up to a multiple of 16.
static TFLM_NOINLINE void copy_vectors(const int8_t *from, uint32_t n, int8_t *to) {
    register const int8_t *a8 __asm__("a8") = from;
    register int8_t *a9 __asm__("a9") = to;
    register const int8_t *a10 __asm__("a10") = from + n - 1;
    // A loop's first instruction has to lie within four aligned bytes: see xtensa.c.
    __asm__ volatile("j .Lbegin%=\n\t"
                     ".p2align 2\n\t"
                     "nop.n\n"
                     ".Lbegin%=:\n\t" EE_LD_128_USAR_IP(0, 8, 16) //
                     "loopnez %[more], .Lafter%=\n\t"             //
                     EE_VLD_128_IP(1, 8, 16)                      //
                     EE_SRC_Q_QUP(2, 0, 1)                        //
                     EE_VST_128_IP(2, 9, 16)                      //
                     ".Lafter%=:\n\t"                             //
                     EE_VLD_128_IP(1, 10, 0)                      //
                     EE_SRC_Q(2, 0, 1)                            //
                     EE_VST_128_IP(2, 9, 0)
                     : "+&r"(a8), "+&r"(a9)
                     : "r"(a10), [more] "r"((n - 1) / 16)
                     : "memory");
    for (; n % 16; n++) {
        to[n] = 0;
    }
}

// Computes one sum of inputs at a8 and weights from %[w] to a10. a8 moves on behind the inputs,
// which are loaded while the products before them are summed. The loop begins 14 bytes behind the
// label.
#define SUM                                                                                        \
    "mov.n a9, %[w]\n\t" EE_VLD_128_IP(3, 8, 16) EE_LD_128_USAR_IP(0, 9, 16) EE_ZERO_ACCX          \
        "loopnez %[more], .Lafter%=\n\t" EE_VLD_128_IP(1, 9, 16) EE_SRC_Q_QUP(2, 0, 1)             \
            EE_VMULAS_S8_ACCX_LD_IP(3, 8, 16, 2, 3) ".Lafter%=:\n\t" EE_VLD_128_IP(1, 10, 0)       \
                EE_SRC_Q(2, 0, 1) EE_VMULAS_S8_ACCX(2, 3)                                          \
                    EE_RUR(11, EE_ACCX_0) "s32i.n a11, %[sum], 0\n\t"                              \
                                          "addi.n %[sum], %[sum], 4\n\t"

// Computes sums of n products of weights, at any address, with inputs at `count` positions, which
// copy_vectors has put one behind the other.
static TFLM_NOINLINE void sum_positions(const int8_t *x, const int8_t *w, uint32_t n,
                                        uint32_t count, int32_t *sum) {
    register const int8_t *a8 __asm__("a8") = x;
    register const int8_t *a9 __asm__("a9");
    register const int8_t *a10 __asm__("a10") = w + n - 1;
    register int32_t a11 __asm__("a11");
    __asm__ volatile("j .Lnext%=\n\t"
                     ".p2align 2\n\t"
                     "nop.n\n"
                     ".Lnext%=:\n\t" SUM "addi.n %[count], %[count], -1\n\t"
                     "bnez %[count], .Lnext%="
                     : "+&r"(a8), "=&r"(a9), "=&r"(a11), [sum] "+&r"(sum), [count] "+&r"(count)
                     : "r"(a10), [w] "r"(w), [more] "r"((n - 1) / 16)
                     : "memory");
}

// The same for the weights of `count` channels, `stride` bytes apart, with inputs at one position.
static TFLM_NOINLINE void sum_channels(const int8_t *x, const int8_t *w, uint32_t n,
                                       uint32_t stride, uint32_t count, int32_t *sum) {
    register const int8_t *a8 __asm__("a8") = x;
    register const int8_t *a9 __asm__("a9");
    register const int8_t *a10 __asm__("a10") = w + n - 1;
    register int32_t a11 __asm__("a11");
    __asm__ volatile("j .Lnext%=\n\t"
                     ".p2align 2\n\t"
                     "nop.n\n"
                     ".Lnext%=:\n\t" SUM "mov.n a8, %[x]\n\t"
                     "add.n %[w], %[w], %[stride]\n\t"
                     "add.n a10, a10, %[stride]\n\t"
                     "addi.n %[count], %[count], -1\n\t"
                     "bnez %[count], .Lnext%="
                     : "+&r"(a8), "=&r"(a9), "+&r"(a10),
                       "=&r"(a11), [w] "+&r"(w), [sum] "+&r"(sum), [count] "+&r"(count)
                     : [x] "r"(x), [more] "r"((n - 1) / 16), [stride] "r"(stride)
                     : "memory");
}

// Computes `count` sums of n products in plain C. From each to the next, inputs move on by `x_step`
// bytes and weights by `w_step`.
static TFLM_NOINLINE void sum_plainly(const int8_t *x, uint32_t x_step, const int8_t *w,
                                      uint32_t w_step, uint32_t n, uint32_t count, int32_t *sum) {
    for (; count; count--, x += x_step, w += w_step) {
        *sum++ = (int32_t)tflm_dot1(x, 0, w, n);
    }
}

uint32_t tflm_widened_positions(uint32_t n) {
    uint32_t most = INPUTS / whole_vectors(n);
    return most ? smaller(most, TFLM_GROUP) : 1;
}

void tflm_widen(const int8_t *x, uint32_t n, uint32_t position, int16_t *widened) {
    uint32_t bytes = whole_vectors(n);
    if (bytes <= INPUTS) {
        int8_t *to = place_in(widened) + position * bytes;
        if (tflm_vectors()) {
            copy_vectors(x, n, to);
        } else {
            memcpy(to, x, n);
        }
    }
}

void tflm_sum_positions(int16_t *widened, const int8_t *w, uint32_t n, uint32_t count,
                        int32_t *sum) {
    if (tflm_vectors()) {
        sum_positions(place_in(widened), w, n, count, sum);
    } else {
        sum_plainly(place_in(widened), whole_vectors(n), w, 0, n, count, sum);
    }
}

void tflm_sum_channels(const int8_t *x, int16_t *widened, const int8_t *w, uint32_t n,
                       uint32_t stride, uint32_t channels, int32_t *sum) {
    int8_t *place = place_in(widened);
    if (!tflm_vectors()) {
        sum_plainly(x, 0, w, stride, n, channels, sum);
    } else if (whole_vectors(n) <= INPUTS) {
        sum_channels(place, w, n, stride, channels, sum);
    } else {
        for (; channels; channels--, w += stride, sum++) {
            int32_t part_sum;
            *sum = 0;
            for (uint32_t at = 0; at < n; at += INPUTS) {
                uint32_t part = smaller(n - at, INPUTS);
                copy_vectors(x + at, part, place);
                sum_positions(place, w + at, part, 1, &part_sum);
                *sum = (int32_t)((uint32_t)*sum + (uint32_t)part_sum);
            }
        }
    }
}

static uint32_t identity(void) {
    register uint32_t a8 __asm__("a8");
    __asm__ volatile(EE_RSR_CONFIGID0(8) : "=r"(a8));
    return a8;
}

// Whether the kernels compute what plain C does, with bytes at any address and vectors that are not
// full.
static bool correct(void) {
    enum { N = 37 };
    int8_t x[TFLM_VECTOR_SAMPLES], w[TFLM_VECTOR_SAMPLES];
    int16_t widened[(N + 16 + 15 + 16) / 2 + 1];
    int32_t sum[3], expected[2];
    uint32_t random = 1;
    for (uint32_t i = 0; i < TFLM_VECTOR_SAMPLES; i++) {
        random = random * 1664525 + 1013904223;
        x[i] = (int8_t)(random >> 24);
        w[i] = (int8_t)(random >> 16);
    }
    int8_t *place = place_in(widened);
    copy_vectors(x + 1, N, place);
    sum_channels(place, w, N, N, 2, sum);
    sum_positions(place, w, N, 1, sum + 2);
    sum_plainly(x + 1, 0, w, N, N, 2, expected);
    return sum[0] == expected[0] && sum[1] == expected[1] && sum[2] == expected[0] &&
           tflm_vector_taps_correct(x, w);
}

uint8_t tflm_vector_state;

bool tflm_use_vectors(bool allow) {
    tflm_vector_state = allow ? TFLM_VECTORS_UNKNOWN : TFLM_NO_VECTORS;
    return tflm_vectors();
}

bool tflm_look_for_vectors(void) {
    tflm_vector_state = identity() == EE_ESP32S3 && correct() ? TFLM_VECTORS : TFLM_NO_VECTORS;
    return tflm_vector_state == TFLM_VECTORS;
}

#endif
