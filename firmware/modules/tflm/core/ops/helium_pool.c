// SPDX-License-Identifier: Apache-2.0
// Pooling for Helium; pool_taps.c has the reference.
#include "pool.h"

#ifdef TFLM_HELIUM

#include <arm_mve.h>
#include <stdbool.h>

void tflm_largest_8(const tflm_taps_of_pool_t *taps, void *output) {
    const int8_t *from = taps->from;
    int8_t *to = output;
    for (int32_t left = (int32_t)taps->channels; left > 0; left -= 16, from += 16, to += 16) {
        mve_pred16_t some = vctp8q((uint32_t)left);
        int8x16_t largest = vdupq_n_s8(-128);
        const int8_t *row = from;
        for (int32_t i = taps->rows; i; i--, row += taps->row_step) {
            const int8_t *at = row;
            for (int32_t j = taps->columns; j; j--, at += taps->column_step) {
                largest = vmaxq_s8(largest, vldrbq_z_s8(at, some));
            }
        }
        largest = vmaxq_s8(largest, vdupq_n_s8((int8_t)taps->low));
        vstrbq_p_s8(to, vminq_s8(largest, vdupq_n_s8((int8_t)taps->high)), some);
    }
}

void tflm_largest_16(const tflm_taps_of_pool_t *taps, void *output) {
    const int16_t *from = taps->from;
    int16_t *to = output;
    for (int32_t left = (int32_t)taps->channels; left > 0; left -= 8, from += 8, to += 8) {
        mve_pred16_t some = vctp16q((uint32_t)left);
        int16x8_t largest = vdupq_n_s16(-32768);
        const uint8_t *row = (const uint8_t *)from;
        for (int32_t i = taps->rows; i; i--, row += taps->row_step) {
            const uint8_t *at = row;
            for (int32_t j = taps->columns; j; j--, at += taps->column_step) {
                largest = vmaxq_s16(largest, vldrhq_z_s16((const int16_t *)(const void *)at, some));
            }
        }
        largest = vmaxq_s16(largest, vdupq_n_s16((int16_t)taps->low));
        vstrhq_p_s16(to, vminq_s16(largest, vdupq_n_s16((int16_t)taps->high)), some);
    }
}

// Up to MOST taps, a mean is the high half of the product of a magnitude, which is below 2^15 *
// count + count, and 2^32 / count, rounded upwards: the excess, less than 1 / 2^32 each, comes to
// less than 1 / count.
enum { MOST = 255 };

static inline int32x4_t mean(int32x4_t sum, uint32_t count, uint32_t reciprocal,
                             const tflm_taps_of_pool_t *taps) {
    uint32x4_t magnitude = vreinterpretq_u32_s32(vabsq_s32(sum));
    magnitude = vaddq_n_u32(magnitude, count / 2);
    if (count > MOST) {
        uint32_t each[4];
        vstrwq_u32(each, magnitude);
        for (int i = 0; i < 4; i++) {
            each[i] /= count;
        }
        magnitude = vldrwq_u32(each);
    } else if (count > 1) {
        magnitude = vmulhq_u32(magnitude, vdupq_n_u32(reciprocal));
    }
    int32x4_t value = vreinterpretq_s32_u32(magnitude);
    value = vnegq_m_s32(value, value, vcmpltq_n_s32(sum, 0));
    value = vmaxq_s32(value, vdupq_n_s32(taps->low));
    return vminq_s32(value, vdupq_n_s32(taps->high));
}

// Computes the means of four channels, or of `twice` as many.
#define MEAN_OF(type, load, store, twice, step)                                                    \
    for (; left > 0; left -= (step), from += (step), to += (step)) {                               \
        if ((twice) && left < (step)) {                                                            \
            break;                                                                                 \
        }                                                                                          \
        mve_pred16_t some = vctp32q((uint32_t)left);                                               \
        int32x4_t sum = vdupq_n_s32(0), more = sum;                                                \
        const uint8_t *row = (const uint8_t *)from;                                                \
        for (int32_t i = rows; i; i--, row += row_step) {                                          \
            const uint8_t *at = row;                                                               \
            for (int32_t j = columns; j; j--, at += column_step) {                                 \
                const type *tap = (const type *)(const void *)at;                                  \
                if (twice) {                                                                       \
                    sum = vaddq_s32(sum, load##_s32(tap));                                         \
                    more = vaddq_s32(more, load##_s32(tap + 4));                                   \
                } else {                                                                           \
                    sum = vaddq_s32(sum, load##_z_s32(tap, some));                                 \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        if (twice) {                                                                               \
            store##_s32(to, mean(sum, count, reciprocal, taps));                                   \
            store##_s32(to + 4, mean(more, count, reciprocal, taps));                              \
        } else {                                                                                   \
            store##_p_s32(to, mean(sum, count, reciprocal, taps), some);                           \
        }                                                                                          \
    }

#define MEAN(name, type, load, store)                                                              \
    void tflm_##name(const tflm_taps_of_pool_t *taps, void *output) {                              \
        const type *from = taps->from;                                                             \
        type *to = output;                                                                         \
        int32_t rows = taps->rows, columns = taps->columns, left = (int32_t)taps->channels;        \
        ptrdiff_t row_step = taps->row_step, column_step = taps->column_step;                      \
        uint32_t count = (uint32_t)(rows * columns);                                               \
        uint32_t reciprocal = count > 1 ? UINT32_MAX / count + 1 : 0;                              \
        MEAN_OF(type, load, store, true, 8)                                                        \
        MEAN_OF(type, load, store, false, 4)                                                       \
    }

MEAN(mean_8, int8_t, vldrbq, vstrbq)
MEAN(mean_16, int16_t, vldrhq, vstrhq)

#endif
