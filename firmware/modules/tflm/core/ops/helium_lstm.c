// SPDX-License-Identifier: Apache-2.0
// Turns an LSTM's sums into outputs, for Helium, four units at a time; sigmoid_16.c has the
// reference.
#include "lstm.h"

#ifdef TFLM_HELIUM

#include <arm_mve.h>

static inline int32x4_t clamp_16(int32x4_t x) {
    return vmovlbq_s16(vqmovnbq_s32(vdupq_n_s16(0), x));
}

// As tflm_scale_apply.
static inline int32x4_t scaled(int32x4_t x, tflm_scale_t scale) {
    int32x4_t right = vdupq_n_s32(scale.shift < 0 ? scale.shift : 0);
    x = vshlq_r_s32(x, scale.shift > 0 ? scale.shift : 0);
    x = vqrdmulhq_n_s32(x, scale.multiplier);
    // VRSHL rounds halves upwards; subtracting one rounds those of negative numbers away from zero.
    return vrshlq_s32(vaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31)), right);
}

// Interpolates between two entries of the table: see sigmoid_16.c.
static inline __attribute__((always_inline)) int32x4_t interpolate(int32x4_t x, const int bits) {
    uint32x4_t magnitude = vreinterpretq_u32_s32(vabsq_s32(x));
    magnitude = vminq_u32(magnitude, vdupq_n_u32(255u << bits));
    uint32x4_t i = vminq_u32(vshrq_n_u32(magnitude, bits), vdupq_n_u32(254));
    uint32x4_t entry = vldrhq_gather_shifted_offset_u32(tflm_sigmoid_table, i);
    uint32x4_t next = vldrhq_gather_shifted_offset_u32(tflm_sigmoid_table + 1, i);
    uint32x4_t rest = vsubq_u32(magnitude, vshlq_n_u32(i, bits));
    uint32x4_t y = vaddq_u32(vshlq_n_u32(entry, bits), vmulq_u32(rest, vsubq_u32(next, entry)));
    return vreinterpretq_s32_u32(y);
}

// The argument is times 3, as in the scalar functions; inverting all bits of y gives -1 - y.
static inline int32x4_t sigmoid(int32x4_t x) {
    int32x4_t y = vminq_s32(interpolate(x, 9), vdupq_n_s32(0x7fff << 10));
    int32x4_t negative = vshrq_n_s32(x, 31);
    y = vaddq_s32(veorq_s32(y, negative), vandq_s32(negative, vdupq_n_s32(1 << 25)));
    return vrshrq_n_s32(y, 10);
}

static inline int32x4_t tanh_of(int32x4_t x) {
    int32x4_t y = vsubq_n_s32(interpolate(x, 8), 1 << 23);
    return vrshrq_n_s32(veorq_s32(y, vshrq_n_s32(x, 31)), 8);
}

static inline int32x4_t thrice(const int16_t *gate) {
    return vmulq_n_s32(vldrhq_s32(gate), 3);
}

void tflm_add_scaled(const int32_t *sum, const int32_t *bias, tflm_scale_t scale, uint32_t n,
                     int16_t *to) {
    for (uint32_t i = 0; i < n; i += 4) {
        mve_pred16_t some = vctp32q(n - i);
        int32x4_t x = vaddq_s32(vldrwq_z_s32(sum + i, some), vldrwq_z_s32(bias + i, some));
        x = vaddq_s32(vldrhq_z_s32(to + i, some), clamp_16(scaled(x, scale)));
        vstrhq_p_s32(to + i, clamp_16(x), some);
    }
}

void tflm_lstm_step(const tflm_lstm_cell_t *self, int16_t (*gates)[TFLM_LSTM_UNITS], uint32_t n,
                    int16_t *cell, int16_t *output) {
    const tflm_requantize_t to = self->to;
    for (uint32_t i = 0; i < n; i += 4) {
        mve_pred16_t some = vctp32q(n - i);
        int32x4_t x = vldrhq_z_s32(cell + i, some);
        x = vmulq_s32(x, sigmoid(thrice(gates[TFLM_GATE_FORGET] + i)));
        x = clamp_16(scaled(x, self->forget_scale));
        int32x4_t added = sigmoid(thrice(gates[TFLM_GATE_INPUT] + i));
        added = vmulq_s32(added, tanh_of(thrice(gates[TFLM_GATE_CELL] + i)));
        x = vaddq_s32(x, clamp_16(scaled(added, self->update_scale)));
        x = vmaxq_s32(vminq_s32(x, vdupq_n_s32(self->high)), vdupq_n_s32(self->low));
        vstrhq_p_s32(cell + i, x, some);
        x = tanh_of(vrshlq_n_s32(vmulq_n_s32(x, 3), self->tanh_shift));
        x = vmulq_s32(x, sigmoid(thrice(gates[TFLM_GATE_OUTPUT] + i)));
        x = vaddq_n_s32(scaled(x, to.scale), to.zero_point);
        x = vmaxq_s32(vminq_s32(x, vdupq_n_s32(to.high)), vdupq_n_s32(to.low));
        vstrhq_p_s32(output + i, x, some);
    }
}

#endif
