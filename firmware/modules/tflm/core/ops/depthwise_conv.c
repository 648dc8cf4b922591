// SPDX-License-Identifier: Apache-2.0
#include "depthwise.h"

#if defined(TFLM_HELIUM)
#include <arm_mve.h>
#elif defined(TFLM_DSP)
#include "dsp.h"
#endif

// Channels that are summed up side by side: as many sums as registers hold.
#if defined(TFLM_HELIUM) || UINTPTR_MAX > UINT32_MAX
enum { BLOCK = 8 };
#else
enum { BLOCK = 4 };
#endif
enum { MAX_TAPS = 1 << 15 };

// Where taps off the input are made to meet its zero point, that goes into the biases.
#ifdef TFLM_XTENSA
enum { FOLD = TFLM_FOLD };
#else
enum { FOLD = 0 };
#endif

TFLM_PREPARE(depthwise_conv) {
    tflm_tensor_t t[3];
    tflm_patches_t patches;
    TRY(tflm_get_tensors(node, "qa?q", t));
    TRY(tflm_patches_init(node, t, true, &patches));
    uint32_t taps = t[1].elements / patches.channels;
    uint32_t multiplier = patches.channels / patches.depth;
    // Sums of so many products stay within 30 bits.
    if (taps > MAX_TAPS) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%u taps", taps);
    }
    // Channels that are not summed up side by side.
    uint32_t alone = patches.channels % (multiplier > 1 && multiplier % 8 ? UINT32_MAX : 8);
    node->cost = (uint32_t)patches.x.output *
                 (tflm_dense_cost(patches.channels, taps) + (uint64_t)(alone * taps) * 8);
    void *made;
    TRY(tflm_dense_new(node, t, TFLM_LAST_AXIS | FOLD, 4, 3, sizeof(depthwise_t), &made));
    depthwise_t *self = made;
    if (self) {
        self->y = patches.y;
        self->x = patches.x;
        self->depth = patches.depth;
        self->multiplier = multiplier;
        self->input_offset = -t[0].zero_point;
    }
    return TFLM_OK;
}

#ifndef TFLM_XTENSA // It has its own eval.

// The taps that meet the input at one output position.
typedef struct {
    const int8_t *input, *weights; // At the first of them.
    int32_t rows, columns;
    ptrdiff_t input_row, input_column; // Steps in bytes.
    ptrdiff_t weight_row, weight_column;
    ptrdiff_t step; // From one position's input to the next one's.
    int32_t offset; // Added to inputs.
} taps_t;

// Runs `tap` for `count` taps of a row; three, which is what most filters have, without a loop.
#define FOR_COLUMNS(taps, count, xj, wj, tap)                                                      \
    do {                                                                                           \
        if ((count) == 3) {                                                                        \
            tap;                                                                                   \
            (xj) += (taps)->input_column;                                                          \
            (wj) += (taps)->weight_column;                                                         \
            tap;                                                                                   \
            (xj) += (taps)->input_column;                                                          \
            (wj) += (taps)->weight_column;                                                         \
            tap;                                                                                   \
        } else {                                                                                   \
            for (int32_t j = (count); j > 0; j--) {                                                \
                tap;                                                                               \
                (xj) += (taps)->input_column;                                                      \
                (wj) += (taps)->weight_column;                                                     \
            }                                                                                      \
        }                                                                                          \
    } while (0)

// Sums up BLOCK neighbouring channels, which come from as many input channels (sum_own) or from one
// (sum_shared). The zero point is not folded into the biases here: then taps off the input would
// count.
#if defined(TFLM_HELIUM)

// Adds the products of even channels to one register, and of odd ones to the next. In assembly, as
// GCC 12 orders the loads of several such that it runs out of registers.
#define ADD_PRODUCTS(x, w, at, even, odd)                                                          \
    __asm__ volatile("vldrb.s16 q0, [%[x_], #" at "]\n\t"                                          \
                     "vldrb.s16 q1, [%[w_], #" at "]\n\t"                                          \
                     "vadd.i16 q0, q0, %[offset]\n\t"                                              \
                     "vmullb.s16 q2, q0, q1\n\t"                                                   \
                     "vadd.i32 " even ", " even ", q2\n\t"                                         \
                     "vmullt.s16 q0, q0, q1\n\t"                                                   \
                     "vadd.i32 " odd ", " odd ", q0"                                               \
                     : "+w"(even0), "+w"(odd0), "+w"(even8), "+w"(odd8)                            \
                     : [x_] "l"(x), [w_] "l"(w), [offset] "r"(taps->offset)                        \
                     : "q0", "q1", "q2", "memory")

// BLOCK channels, or `twice` as many.
static inline __attribute__((always_inline)) void
sum_blocks(const taps_t *taps, const int8_t *x, const int8_t *w, const bool twice, int32_t *sum) {
    // Neighbouring registers, as VST2 wants them.
    register int32x4_t even0 __asm__("q4") = vdupq_n_s32(0);
    register int32x4_t odd0 __asm__("q5") = vdupq_n_s32(0);
    register int32x4_t even8 __asm__("q6") = vdupq_n_s32(0);
    register int32x4_t odd8 __asm__("q7") = vdupq_n_s32(0);
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        FOR_COLUMNS(taps, taps->columns, xj, wj, {
            ADD_PRODUCTS(xj, wj, "0", "q4", "q5");
            if (twice) {
                ADD_PRODUCTS(xj, wj, "8", "q6", "q7");
            }
        });
        x += taps->input_row;
        w += taps->weight_row;
    }
    __asm__ volatile("vst20.32 {q4, q5}, [%2]\n\tvst21.32 {q4, q5}, [%2]"
                     :
                     : "w"(even0), "w"(odd0), "r"(sum)
                     : "memory");
    if (twice) {
        __asm__ volatile("vst20.32 {q6, q7}, [%2]\n\tvst21.32 {q6, q7}, [%2]"
                         :
                         : "w"(even8), "w"(odd8), "r"(sum + BLOCK)
                         : "memory");
    }
}

static inline void sum_own(const taps_t *taps, const int8_t *x, const int8_t *w, int32_t *sum) {
    sum_blocks(taps, x, w, false, sum);
}

static inline __attribute__((always_inline)) void sum_shared(const taps_t *taps, const int8_t *x,
                                                             const int8_t *w, int32_t *sum) {
    int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        FOR_COLUMNS(taps, taps->columns, xj, wj, {
            int32_t value = *xj + taps->offset;
            low = vmlaq_n_s32(low, vldrbq_s32(wj), value);
            high = vmlaq_n_s32(high, vldrbq_s32(wj + 4), value);
        });
        x += taps->input_row;
        w += taps->weight_row;
    }
    vstrwq_s32(sum, low);
    vstrwq_s32(sum + 4, high);
}

#elif defined(TFLM_DSP)

// One tap of four channels, at x + `at` and w + `at`, which the assembler takes for offsets.
#define DSP_TAP(x_at, w_at)                                                                        \
    "ldr %[xo], [%[x_]" x_at "]\n\t"                                                               \
    "ldr %[wo], [%[w_]" w_at "]\n\t"                                                               \
    "sxtab16 %[xe], %[offsets_], %[xo]\n\t"                                                        \
    "sxtab16 %[xo], %[offsets_], %[xo], ror #8\n\t"                                                \
    "sxtb16 %[we], %[wo]\n\t"                                                                      \
    "sxtb16 %[wo], %[wo], ror #8\n\t"                                                              \
    "smlabb %[sum0_], %[xe], %[we], %[sum0_]\n\t"                                                  \
    "smlabb %[sum1_], %[xo], %[wo], %[sum1_]\n\t"                                                  \
    "smlatt %[sum2_], %[xe], %[we], %[sum2_]\n\t"                                                  \
    "smlatt %[sum3_], %[xo], %[wo], %[sum3_]\n\t"
#define ADD_TAPS(x, w, taps_text)                                                                  \
    do {                                                                                           \
        uint32_t xe, xo, we, wo;                                                                   \
        __asm__ volatile(                                                                          \
            taps_text                                                                              \
            : [sum0_] "+r"(sum0), [sum1_] "+r"(sum1), [sum2_] "+r"(sum2), [sum3_] "+r"(sum3),      \
              [xe] "=&r"(xe), [xo] "=&r"(xo), [we] "=&r"(we), [wo] "=&r"(wo)                       \
            : [x_] "r"(x), [w_] "r"(w), [offsets_] "r"(offsets), [xc] "r"(taps->input_column),     \
              [wc] "r"(taps->weight_column)                                                        \
            : "memory");                                                                           \
    } while (0)

static inline void sum_own(const taps_t *taps, const int8_t *x, const int8_t *w, int32_t *sum) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    uint32_t offsets = (uint16_t)taps->offset * 0x10001u;
    int32_t rows = taps->rows;
    for (; rows > 0 && taps->columns == 3; rows--) {
        ADD_TAPS(x, w,
                 DSP_TAP("", "") DSP_TAP(", %[xc]", ", %[wc]")
                     DSP_TAP(", %[xc], lsl #1", ", %[wc], lsl #1"));
        x += taps->input_row;
        w += taps->weight_row;
    }
    for (; rows > 0; rows--) {
        const int8_t *xj = x, *wj = w;
        for (int32_t j = taps->columns; j > 0; j--) {
            ADD_TAPS(xj, wj, DSP_TAP("", ""));
            xj += taps->input_column;
            wj += taps->weight_column;
        }
        x += taps->input_row;
        w += taps->weight_row;
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

// One tap of four channels that share an input, a half of `xs`.
#define SHARED_TAP(w_at, half, xs)                                                                 \
    "ldr %[wo], [%[w_]" w_at "]\n\t"                                                               \
    "sxtb16 %[we], %[wo]\n\t"                                                                      \
    "sxtb16 %[wo], %[wo], ror #8\n\t"                                                              \
    "smla" half "b %[sum0_], %[" xs "], %[we], %[sum0_]\n\t"                                       \
    "smla" half "b %[sum1_], %[" xs "], %[wo], %[sum1_]\n\t"                                       \
    "smla" half "t %[sum2_], %[" xs "], %[we], %[sum2_]\n\t"                                       \
    "smla" half "t %[sum3_], %[" xs "], %[wo], %[sum3_]\n\t"

static inline void sum_shared(const taps_t *taps, const int8_t *x, const int8_t *w, int32_t *sum) {
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    uint32_t offsets = (uint16_t)taps->offset * 0x10001u;
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        int32_t left = taps->columns;
        for (; left >= 4 && taps->input_column == 1; left -= 4) {
            uint32_t xe, xo, we, wo;
            // Four taps, whose inputs are neighbours.
            __asm__ volatile("ldr %[xo], [%[x]], #4\n\t"
                             "sxtab16 %[xe], %[offsets], %[xo]\n\t"
                             "sxtab16 %[xo], %[offsets], %[xo], ror #8\n\t" //
                             SHARED_TAP("", "b", "xe")                      //
                             SHARED_TAP(", %[wc]", "b", "xo")               //
                             SHARED_TAP(", %[wc], lsl #1", "t", "xe")       //
                             "add %[w_], %[wc]\n\t"                         //
                             SHARED_TAP(", %[wc], lsl #1", "t", "xo")       //
                             "add %[w_], %[wc]\n\t"
                             "add %[w_], %[w_], %[wc], lsl #1"
                             : [sum0_] "+r"(sum0), [sum1_] "+r"(sum1), [sum2_] "+r"(sum2),
                               [sum3_] "+r"(sum3), [xe] "=&r"(xe), [xo] "=&r"(xo), [we] "=&r"(we),
                               [wo] "=&r"(wo), [x] "+&r"(xj), [w_] "+&r"(wj)
                             : [offsets] "r"(offsets), [wc] "r"(taps->weight_column)
                             : "memory");
        }
        FOR_COLUMNS(taps, left, xj, wj, {
            pairs_t weight = tflm_pairs(tflm_word(wj));
            int32_t value = *xj + taps->offset;
            __asm__("smlabb %0, %1, %2, %0" : "+r"(sum0) : "r"(value), "r"(weight.even));
            __asm__("smlabb %0, %1, %2, %0" : "+r"(sum1) : "r"(value), "r"(weight.odd));
            __asm__("smlabt %0, %1, %2, %0" : "+r"(sum2) : "r"(value), "r"(weight.even));
            __asm__("smlabt %0, %1, %2, %0" : "+r"(sum3) : "r"(value), "r"(weight.odd));
        });
        x += taps->input_row;
        w += taps->weight_row;
    }
    sum[0] = sum0;
    sum[1] = sum1;
    sum[2] = sum2;
    sum[3] = sum3;
}

#else

static inline __attribute__((always_inline)) void
sum_block(const taps_t *taps, const int8_t *x, const int8_t *w, const bool shared, int32_t *sum) {
    int32_t acc[BLOCK];
    for (int k = 0; k < BLOCK; k++) {
        acc[k] = 0;
    }
    for (int32_t i = taps->rows; i > 0; i--) {
        const int8_t *xj = x, *wj = w;
        for (int32_t j = taps->columns; j > 0; j--) {
            for (int k = 0; k < BLOCK; k++) {
                acc[k] += (xj[shared ? 0 : k] + taps->offset) * wj[k];
            }
            xj += taps->input_column;
            wj += taps->weight_column;
        }
        x += taps->input_row;
        w += taps->weight_row;
    }
    for (int k = 0; k < BLOCK; k++) {
        sum[k] = acc[k];
    }
}

static void sum_own(const taps_t *taps, const int8_t *x, const int8_t *w, int32_t *sum) {
    sum_block(taps, x, w, false, sum);
}

static void sum_shared(const taps_t *taps, const int8_t *x, const int8_t *w, int32_t *sum) {
    sum_block(taps, x, w, true, sum);
}

#endif

static int32_t sum_one(const taps_t *taps, const int8_t *x, const int8_t *w) {
    int32_t sum = 0;
    for (int32_t i = 0; i < taps->rows; i++) {
        for (int32_t j = 0; j < taps->columns; j++) {
            int32_t value = x[i * taps->input_row + j * taps->input_column] + taps->offset;
            sum += value * w[i * taps->weight_row + j * taps->weight_column];
        }
    }
    return sum;
}

// Sums up `count` channels from `channel` on, at several positions one after another.
static __attribute__((noinline)) void sum_positions(const taps_t *given, uint32_t multiplier,
                                                    uint32_t channel, uint32_t count,
                                                    uint32_t positions, int32_t *sum) {
    taps_t taps = *given; // A copy, which no sum can lie in.
    const int8_t *w = taps.weights + channel;
    for (; positions; positions--, sum += count, taps.input += taps.step) {
        uint32_t i = 0;
        if (multiplier == 1) {
#ifdef TFLM_HELIUM
            for (; i + 2 * BLOCK <= count; i += 2 * BLOCK) {
                sum_blocks(&taps, taps.input + channel + i, w + i, true, sum + i);
            }
#endif
            for (; i + BLOCK <= count; i += BLOCK) {
                sum_own(&taps, taps.input + channel + i, w + i, sum + i);
            }
        } else if (multiplier % BLOCK == 0) {
            for (; i + BLOCK <= count; i += BLOCK) {
                const int8_t *x = taps.input + (channel + i) / multiplier;
                sum_shared(&taps, x, w + i, sum + i);
            }
        }
        for (; i < count; i++) {
            sum[i] = sum_one(&taps, taps.input + (channel + i) / multiplier, w + i);
        }
    }
}

TFLM_EVAL(depthwise_conv) {
    const depthwise_t *self = data;
    tflm_stage_t stage = tflm_stage(&self->output, self + 1);
    const tflm_window_t wx = self->x, wy = self->y;
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    uint32_t channels = self->output.channels, multiplier = self->multiplier;
    int8_t *output =
        (int8_t *)tflm_at(run, self->output_place) + (size_t)from * (size_t)wx.output * channels;
    ptrdiff_t depth = (ptrdiff_t)self->depth;
    taps_t taps;
    // These wrap around only where no two rows, or columns, meet the input.
    taps.input_row = (ptrdiff_t)((size_t)wy.dilation * (size_t)wx.input * (size_t)depth);
    taps.input_column = (ptrdiff_t)((size_t)wx.dilation * (size_t)depth);
    taps.weight_row = wx.taps * (ptrdiff_t)channels;
    taps.weight_column = (ptrdiff_t)channels;
    taps.step = wx.stride * depth;
    taps.offset = self->input_offset;
    // The last column that no tap is off the input at.
    int32_t last = (wx.input - 1 - (wx.taps - 1) * wx.dilation + wx.padding) / wx.stride;
    last = last < wx.output ? last : wx.output - 1;
    // With rows for columns, where those are few: the inner loop is the cheaper one.
    taps_t turned = taps;
    turned.input_row = taps.input_column;
    turned.input_column = taps.input_row;
    turned.weight_row = taps.weight_column;
    turned.weight_column = taps.weight_row;
    for (uint32_t row = from; row < to; row++) {
        uint32_t batch = row / (uint32_t)wy.output;
        int32_t y, y_from, y_to, x, x_from, x_to;
        tflm_window_taps(&wy, (int32_t)(row % (uint32_t)wy.output), &y, &y_from, &y_to);
        y += (int32_t)batch * wy.input + y_from * wy.dilation;
        const int8_t *input_row = input + (ptrdiff_t)y * wx.input * depth;
        const int8_t *weight_row = weights + y_from * wx.taps * (ptrdiff_t)channels;
        int32_t sum[TFLM_SUMS];
        uint32_t sums = 0; // Of whole positions, not finished yet.
        for (int32_t column = 0; column < wx.output;) {
            tflm_window_taps(&wx, column, &x, &x_from, &x_to);
            int32_t rows = y_to - y_from, columns = x_to - x_from;
            bool turn = columns < 3 && rows > columns;
            taps_t *met = turn ? &turned : &taps;
            met->rows = turn ? columns : rows;
            met->columns = turn ? rows : columns;
            met->input = input_row + (x + x_from * wx.dilation) * depth;
            met->weights = weight_row + x_from * (ptrdiff_t)channels;
            // Positions that all taps meet the input at differ in where only.
            uint32_t positions = 1;
            if (x >= 0 && column < last && channels <= TFLM_SUMS) {
                uint32_t room = (TFLM_SUMS - sums) / channels;
                positions = (uint32_t)(last - column) + 1;
                positions = positions < room ? positions : room;
            }
            column += (int32_t)positions;
            for (uint32_t channel = 0; channel < channels; channel += TFLM_SUMS) {
                uint32_t left = channels - channel, count = left < TFLM_SUMS ? left : TFLM_SUMS;
                sum_positions(met, multiplier, channel, count, positions, sum + sums);
                sums += count * positions;
                if (sums + channels > TFLM_SUMS || column == wx.output) {
                    tflm_finish_all(&stage, channel, count, sums, sum, output);
                    output += sums;
                    sums = 0;
                }
            }
        }
    }
}

#endif
