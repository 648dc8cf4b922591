// SPDX-License-Identifier: Apache-2.0
// The logistic function and tanh of 16-bit numbers, with TensorFlow Lite's table
// (tensorflow/lite/kernels/internal/common.h), whose entries differ from the formula by up to one.
#include <string.h>

#include "lstm.h"

#ifdef TFLM_DSP
#include "dsp.h"
#endif

const uint16_t tflm_sigmoid_table[256] = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794,
    41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443,
    48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169, 53581, 53983, 54374,
    54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433, 57724, 58007, 58280, 58544,
    58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110, 61279,
    61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990,
    63090, 63186, 63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030,
    64090, 64148, 64204, 64257, 64308, 64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652,
    64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019,
    65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234,
    65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360,
    65367, 65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
    65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476,
    65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498, 65500, 65501,
    65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513, 65514, 65515, 65516,
    65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529,
    65529, 65530, 65530, 65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532,
    65532, 65532, 65532, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65534, 65534,
    65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
};

// Interpolates between two entries, for a magnitude with `bits` fraction bits; the result has
// `bits` more. Beyond the last entry, it is that entry.
static inline __attribute__((always_inline)) int32_t interpolate(int32_t x, int bits) {
    uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
    uint32_t i = magnitude >> bits, rest = magnitude & ((1u << bits) - 1);
    if (i >= 255) {
        i = 254;
        rest = 1u << bits;
    }
    uint32_t entry = tflm_sigmoid_table[i], next = tflm_sigmoid_table[i + 1];
    return (int32_t)((entry << bits) + rest * (next - entry));
}

int32_t tflm_sigmoid_16(int32_t x) {
    int32_t y = interpolate(x, 9);
    y = y < 0x7fff << 10 ? y : 0x7fff << 10;
    return (x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10;
}

int32_t tflm_tanh_16(int32_t x) {
    // 2 / (1 + exp(-2 x)) - 1
    int32_t y = interpolate(x, 8) - (1 << 23);
    return (x >= 0 ? y + (1 << 7) : -y + (1 << 7) - 1) >> 8;
}

#ifndef TFLM_HELIUM

static inline int32_t clamp_16(int32_t x) {
#ifdef TFLM_DSP
    __asm__("ssat %0, #16, %0" : "+r"(x));
    return x;
#else
    return tflm_clamp(x, -32768, 32767);
#endif
}

void tflm_add_scaled(const int32_t *sum, const int32_t *bias, tflm_scale_t scale, uint32_t n,
                     int16_t *to) {
#ifdef TFLM_DSP
    const tflm_dsp_scale_t by = tflm_dsp_scale(scale);
#endif
    for (int16_t *end = to + n; to < end && scale.multiplier; to++) {
        int32_t x = (int32_t)((uint32_t)*sum++ + (uint32_t)*bias++);
#ifdef TFLM_DSP
        x = tflm_high_product((int32_t)((uint32_t)x << by.left), by.twice);
        x = (x + ((x >> 31) & by.negative) + by.half) >> by.right;
#else
        x = tflm_scale_apply(x, scale.multiplier, scale.shift);
#endif
        *to = (int16_t)clamp_16(*to + clamp_16(x));
    }
}

static int32_t sigmoid(const int16_t *gate) {
    return tflm_sigmoid_16(*gate * 3);
}

void tflm_lstm_step(const tflm_lstm_cell_t *self, int16_t (*gates)[TFLM_LSTM_UNITS], uint32_t n,
                    int16_t *cell, int16_t *output) {
    for (uint32_t i = 0; i < n; i++) {
        const int16_t *gate = &gates[0][i];
        int32_t kept = tflm_scaled(sigmoid(gate + TFLM_GATE_FORGET * TFLM_LSTM_UNITS) * cell[i],
                                   self->forget_scale);
        int32_t added = tflm_tanh_16(gate[TFLM_GATE_CELL * TFLM_LSTM_UNITS] * 3);
        added = tflm_scaled(added * sigmoid(gate + TFLM_GATE_INPUT * TFLM_LSTM_UNITS),
                            self->update_scale);
        int32_t sum = tflm_clamp(clamp_16(kept) + clamp_16(added), self->low, self->high);
        cell[i] = (int16_t)sum;
        int shift = self->tanh_shift;
        sum = shift >= 0 ? sum * (3 << shift) : (sum * 3 + (1 << (-shift - 1))) >> -shift;
        sum = tflm_tanh_16(sum) * sigmoid(gate + TFLM_GATE_OUTPUT * TFLM_LSTM_UNITS);
        output[i] = (int16_t)tflm_requantize(sum, &self->to);
    }
}

#endif
