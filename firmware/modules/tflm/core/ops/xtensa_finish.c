// SPDX-License-Identifier: Apache-2.0
// Finishes sums on Xtensa cores, which compute the upper half of a product with MULSH.
#include "xtensa.h"

#ifdef TFLM_XTENSA

// As below, for any bias and shift.
static TFLM_NOINLINE void finish_any(const tflm_stage_t *stage, uint32_t channel,
                                     const int32_t *sum, uint32_t sum_step, uint32_t count,
                                     int8_t *output, ptrdiff_t step) {
    for (; count; count--, output += step) {
        *output = tflm_finish(stage, channel, (uint32_t)*sum + (uint32_t)stage->bias[channel]);
        sum += sum_step / sizeof *sum;
    }
}

void tflm_finish_positions(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                           uint32_t sum_step, uint32_t count, int8_t *output, ptrdiff_t step) {
    uint32_t i = channel & stage->scale_mask;
    int32_t bias = stage->bias[channel], multiplier = stage->multiplier[i];
    int32_t shift = stage->shift[i];
    // Only sums of up to 2^15 products come here, so that twice the scaled number fits 32 bits.
    if (stage->left || ((bias ^ (bias >> 31)) >> 29)) {
        finish_any(stage, channel, sum, sum_step, count, output, step);
        return;
    }
    int32_t value, low;
    // As tflm_scale_apply: bit 31 of the doubled product rounds what is above it.
    __asm__ volatile(
        "ssr %[shift]\n\t"
        "j .Lbegin%=\n\t"
        ".p2align 2\n"
        ".Lbegin%=:\n\t"
        "nop.n\n\t"
        "loop %[count], .Lafter%=\n\t"
        "l32i.n %[value], %[sum], 0\n\t"
        "add.n %[sum], %[sum], %[sum_step]\n\t"
        "addx2 %[value], %[value], %[twice]\n\t"
        "mull %[low], %[value], %[multiplier]\n\t"
        "mulsh %[value], %[value], %[multiplier]\n\t"
        "extui %[low], %[low], 31, 1\n\t"
        "add.n %[value], %[value], %[low]\n\t"
        "srai %[low], %[value], 31\n\t"
        "add.n %[value], %[value], %[low]\n\t"
        "sra %[value], %[value]\n\t"
        "add.n %[value], %[value], %[offset]\n\t"
        "srai %[value], %[value], 1\n\t"
        "max %[value], %[value], %[least]\n\t"
        "min %[value], %[value], %[most]\n\t"
        "s8i %[value], %[output], 0\n\t"
        "add.n %[output], %[output], %[step]\n"
        ".Lafter%=:"
        : [value] "=&r"(value), [low] "=&r"(low), [sum] "+&r"(sum), [output] "+&r"(output)
        : [shift] "r"(-shift - 1), [count] "r"(count), [twice] "r"(2 * bias),
          [sum_step] "r"(sum_step), [multiplier] "r"(multiplier),
          [offset] "r"(2 * stage->zero_point + 1), [least] "r"(stage->low), [most] "r"(stage->high),
          [step] "r"(step)
        : "memory");
}

#ifndef TFLM_WITHOUT_VECTORS
// Finishes `count` channels at one position, all of which are shifted to the right.
static TFLM_NOINLINE void finish_right(const tflm_stage_t *stage, uint32_t channel,
                                       const int32_t *sum, uint32_t count, int8_t *output) {
    uint32_t i = channel & stage->scale_mask, step = stage->scale_mask & 1;
    const int32_t *bias = stage->bias + channel, *multiplier = stage->multiplier + i;
    const int8_t *shift = stage->shift + i;
    int32_t value, low, factor;
    // As above. Shifts are negative: the lowest five bits of -shift - 1 are those of shift,
    // inverted.
    __asm__ volatile(
        "j .Lbegin%=\n\t"
        ".p2align 2\n"
        ".Lbegin%=:\n\t"
        "nop.n\n\t"
        "loop %[count], .Lafter%=\n\t"
        "l8ui %[low], %[shift], 0\n\t"
        "l32i.n %[value], %[sum], 0\n\t"
        "l32i.n %[factor], %[bias], 0\n\t"
        "xor %[low], %[low], %[ones]\n\t"
        "ssr %[low]\n\t"
        "add.n %[value], %[value], %[factor]\n\t"
        "l32i.n %[factor], %[multiplier], 0\n\t"
        "addi.n %[sum], %[sum], 4\n\t"
        "addi.n %[bias], %[bias], 4\n\t"
        "addx4 %[multiplier], %[step], %[multiplier]\n\t"
        "add.n %[shift], %[shift], %[step]\n\t"
        "mull %[low], %[value], %[factor]\n\t"
        "mulsh %[value], %[value], %[factor]\n\t"
        "extui %[low], %[low], 30, 2\n\t"
        "addi.n %[low], %[low], 1\n\t"
        "srli %[low], %[low], 1\n\t"
        "addx2 %[value], %[value], %[low]\n\t"
        "srai %[low], %[value], 31\n\t"
        "add.n %[value], %[value], %[low]\n\t"
        "sra %[value], %[value]\n\t"
        "l32i.n %[low], %[stage], %[zero_point]\n\t"
        "l32i.n %[factor], %[stage], %[least]\n\t"
        "addx2 %[value], %[low], %[value]\n\t"
        "l32i.n %[low], %[stage], %[most]\n\t"
        "addi.n %[value], %[value], 1\n\t"
        "srai %[value], %[value], 1\n\t"
        "max %[value], %[value], %[factor]\n\t"
        "min %[value], %[value], %[low]\n\t"
        "s8i %[value], %[output], 0\n\t"
        "addi.n %[output], %[output], 1\n"
        ".Lafter%=:"
        : [value] "=&r"(value), [low] "=&r"(low), [factor] "=&r"(factor), [sum] "+&r"(sum),
          [bias] "+&r"(bias), [multiplier] "+&r"(multiplier), [shift] "+&r"(shift),
          [output] "+&r"(output)
        : [count] "r"(count), [ones] "r"(-1), [step] "r"(step), [stage] "r"(stage),
          [zero_point] "i"(offsetof(tflm_stage_t, zero_point)),
          [least] "i"(offsetof(tflm_stage_t, low)), [most] "i"(offsetof(tflm_stage_t, high))
        : "memory");
}
#endif

void tflm_finish_channels(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                          uint32_t count, int8_t *output) {
#ifndef TFLM_WITHOUT_VECTORS // Faster by a third, and 130 bytes longer.
    if (!stage->left) {
        finish_right(stage, channel, sum, count, output);
        return;
    }
#endif
    for (uint32_t i = 0; i < count; i++) {
        tflm_finish_positions(stage, channel + i, sum + i, 0, 1, output + i, 0);
    }
}

#endif
