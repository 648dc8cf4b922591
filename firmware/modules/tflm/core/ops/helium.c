// SPDX-License-Identifier: Apache-2.0
// Sums of products for Helium; dot.c has the reference.
#include "dense.h"

#ifdef TFLM_HELIUM

#include "helium.h"

// Sixteen products at a time. The loop is in assembly for what GCC 12 does not generate: loads that
// move their pointer on, and a loop whose last turn does what is left.
static inline __attribute__((always_inline)) int32x4_t dot4(const int8_t *x, const int8_t *w0,
                                                            const int8_t *w1, const int8_t *w2,
                                                            const int8_t *w3, uint32_t n) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    __asm__("wlstp.8 lr, %[n], 2f\n"
            "1:\n\t"
            "vldrb.8 q0, [%[x]], #16\n\t"
            "vldrb.8 q1, [%[w0]], #16\n\t"
            "vmladava.s8 %[sum0], q0, q1\n\t"
            "vldrb.8 q2, [%[w1]], #16\n\t"
            "vmladava.s8 %[sum1], q0, q2\n\t"
            "vldrb.8 q1, [%[w2]], #16\n\t"
            "vmladava.s8 %[sum2], q0, q1\n\t"
            "vldrb.8 q2, [%[w3]], #16\n\t"
            "vmladava.s8 %[sum3], q0, q2\n\t"
            "letp lr, 1b\n"
            "2:"
            : [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3),
              [sum0] "+Te"(sum0), [sum1] "+Te"(sum1), [sum2] "+Te"(sum2), [sum3] "+Te"(sum3)
            : [n] "r"(n)
            : "lr", "q0", "q1", "q2", "memory");
    int32x4_t sum = {sum0, sum1, sum2, sum3};
    return sum;
}

uint32_t tflm_dot1(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n) {
    int32_t sum = 0, weights = 0;
    for (uint32_t i = 0; i < n; i += 16) {
        mve_pred16_t some = vctp8q(n - i);
        int8x16_t w16 = vldrbq_z_s8(w + i, some);
        sum = vmladavaq_s8(sum, vldrbq_z_s8(x + i, some), w16);
        weights = vaddvaq_s8(weights, w16);
    }
    return (uint32_t)sum + (uint32_t)offset * (uint32_t)weights;
}

void tflm_dense(const tflm_stage_t *given, const int8_t *x, const int8_t *w, uint32_t n,
                uint32_t from, uint32_t to, int8_t *output) {
    const tflm_stage_t stage = *given;
    uint32_t channel = from;
    w += (size_t)from * n;
    for (; channel + 4 <= to; channel += 4) {
        const int8_t *w1 = w + n, *w2 = w1 + n, *w3 = w2 + n;
        int32x4_t sum = dot4(x, w, w1, w2, w3, n);
        sum = vaddq_s32(sum, vldrwq_s32(stage.bias + channel));
        tflm_finish4(stage, channel, 4, sum, output);
        w = w3 + n;
    }
    if (channel < to) {
        uint32_t count = to - channel;
        const int8_t *w1 = w + (count > 1 ? n : 0), *w2 = w1 + (count > 2 ? n : 0);
        int32x4_t sum = dot4(x, w, w1, w2, w2, n);
        sum = vaddq_s32(sum, vldrwq_z_s32(stage.bias + channel, vctp32q(count)));
        tflm_finish4(stage, channel, count, sum, output);
    }
}

#endif
