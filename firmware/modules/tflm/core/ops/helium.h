// SPDX-License-Identifier: Apache-2.0
// What kernels for Helium (Armv8.1-M's vector extension, MVE) share. Predicates come from VCTP
// only: GCC 12 folds some constant ones wrongly.
#ifndef TFLM_HELIUM_H
#define TFLM_HELIUM_H

#include <arm_mve.h>

#include "dense.h"

// As tflm_finish, for `count` channels from `channel` on: 4, or fewer. The stage is a copy in
// registers, as the compiler has to take outputs for something that may lie in what is pointed to.
static inline __attribute__((always_inline)) void tflm_finish4(const tflm_stage_t stage,
                                                               uint32_t channel, uint32_t count,
                                                               int32x4_t sum, int8_t *output) {
    mve_pred16_t some = vctp32q(count);
    int32x4_t multiplier, shift;
    if (!stage.scale_mask) {
        multiplier = vdupq_n_s32(stage.multiplier[0]);
        shift = vdupq_n_s32(stage.shift[0]);
    } else if (count == 4) {
        multiplier = vldrwq_s32(stage.multiplier + channel);
        shift = vldrbq_s32(stage.shift + channel);
    } else {
        multiplier = vldrwq_z_s32(stage.multiplier + channel, some);
        shift = vldrbq_z_s32(stage.shift + channel, some);
    }
    int32x4_t right = vminq_s32(shift, vdupq_n_s32(0));
    sum = vshlq_s32(sum, vmaxq_s32(shift, vdupq_n_s32(0)));
    sum = vqrdmulhq_s32(sum, multiplier);
    // VRSHL rounds halves upwards: one less makes that away from zero for negative ones.
    sum = vaddq_s32(sum, vshrq_n_s32(vandq_s32(sum, right), 31));
    sum = vaddq_n_s32(vrshlq_s32(sum, right), stage.zero_point);
    sum = vmaxq_s32(sum, vdupq_n_s32(stage.low));
    sum = vminq_s32(sum, vdupq_n_s32(stage.high));
    if (count == 4) {
        vstrbq_s32(output + channel, sum);
    } else {
        vstrbq_p_s32(output + channel, sum, some);
    }
}

static inline __attribute__((always_inline)) void
tflm_finish_block(const tflm_stage_t *stage, uint32_t channel, uint32_t count, const int32_t *sum,
                  int8_t *output) {
    for (uint32_t i = 0; i < count; i += 4) {
        int32x4_t biased = vaddq_s32(vldrwq_s32(sum + i), vldrwq_s32(stage->bias + channel + i));
        tflm_finish4(*stage, channel + i, 4, biased, output);
    }
}

#endif
