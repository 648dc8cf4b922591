// SPDX-License-Identifier: Apache-2.0
// DEPTHWISE_CONV_2D with ESP32-S3's vector unit: see esp32s3.c. A lane holds one channel's sum.
#include "xtensa.h"

#if defined(TFLM_XTENSA) && !defined(TFLM_WITHOUT_VECTORS)

#include "esp32s3.h"

enum {
    LANES = 16,
    PRODUCTS = 31,  // The sum of so many products always fits in 20 bits.
    POSITIONS = 24, // The number that is summed before they are finished.
};

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// A rectangle of taps: of the filter, and within the input, or outside of it with steps of 0. Steps
// are in bytes.
typedef struct {
    const int8_t *x, *w;
    ptrdiff_t x_row, x_column, w_row, w_column;
} rectangle_t;

// Adds to QACC the products of some taps of up to 16 channels; with `shared`, all of them have the
// same input channel.
static __attribute__((noinline)) void add_taps(const rectangle_t *taps, uint32_t rows,
                                               uint32_t columns, uint32_t lanes, bool shared) {
    if (!rows || !columns) {
        return;
    }
    register const int8_t *a8 __asm__("a8") = taps->x;
    register const int8_t *a9 __asm__("a9") = taps->x + lanes - 1;
    register const int8_t *a10 __asm__("a10") = taps->w;
    register const int8_t *a11 __asm__("a11") = taps->w + lanes - 1;
    register ptrdiff_t a12 __asm__("a12") = taps->x_column;
    register ptrdiff_t a13 __asm__("a13") = taps->w_column;
    ptrdiff_t x_next = taps->x_row - (ptrdiff_t)columns * a12;
    ptrdiff_t w_next = taps->w_row - (ptrdiff_t)columns * a13;
    if (shared) {
        __asm__ volatile(
            "j .Lnext%=\n\t"
            ".p2align 2\n\t"
            "nop.n\n"
            ".Lnext%=:\n\t"
            "loop %[columns], .Lafter%=\n\t" //
            EE_VLDBC_8_XP(2, 8, 12)          //
            EE_LD_128_USAR_XP(3, 10, 13)     //
            EE_VLD_128_XP(4, 11, 13)         //
            EE_SRC_Q(5, 3, 4)                //
            EE_VMULAS_S8_QACC(2, 5)          //
            ".Lafter%=:\n\t"
            "add.n a8, a8, %[x_next]\n\t"
            "add.n a10, a10, %[w_next]\n\t"
            "add.n a11, a11, %[w_next]\n\t"
            "addi.n %[rows], %[rows], -1\n\t"
            "bnez %[rows], .Lnext%="
            : "+&r"(a8), "+&r"(a10), "+&r"(a11), [rows] "+&r"(rows)
            : "r"(a12), "r"(a13), [columns] "r"(columns), [x_next] "r"(x_next), [w_next] "r"(w_next)
            : "memory");
        return;
    }
    __asm__ volatile("j .Lnext%=\n\t"
                     ".p2align 2\n\t"
                     "nop.n\n"
                     ".Lnext%=:\n\t"
                     "loop %[columns], .Lafter%=\n\t" //
                     EE_LD_128_USAR_XP(0, 8, 12)      //
                     EE_VLD_128_XP(1, 9, 12)          //
                     EE_SRC_Q(2, 0, 1)                //
                     EE_LD_128_USAR_XP(3, 10, 13)     //
                     EE_VLD_128_XP(4, 11, 13)         //
                     EE_SRC_Q(5, 3, 4)                //
                     EE_VMULAS_S8_QACC(2, 5)          //
                     ".Lafter%=:\n\t"
                     "add.n a8, a8, %[x_next]\n\t"
                     "add.n a9, a9, %[x_next]\n\t"
                     "add.n a10, a10, %[w_next]\n\t"
                     "add.n a11, a11, %[w_next]\n\t"
                     "addi.n %[rows], %[rows], -1\n\t"
                     "bnez %[rows], .Lnext%="
                     : "+&r"(a8), "+&r"(a9), "+&r"(a10), "+&r"(a11), [rows] "+&r"(rows)
                     : "r"(a12),
                       "r"(a13), [columns] "r"(columns), [x_next] "r"(x_next), [w_next] "r"(w_next)
                     : "memory");
}

// Unpacks eight 20-bit sums of QACC from five words in a8 to a12.
#define UNPACK(words, sum)                                                                         \
    do {                                                                                           \
        register uint32_t a8 __asm__("a8");                                                        \
        register uint32_t a9 __asm__("a9");                                                        \
        register uint32_t a10 __asm__("a10");                                                      \
        register uint32_t a11 __asm__("a11");                                                      \
        register uint32_t a12 __asm__("a12");                                                      \
        int32_t value;                                                                             \
        __asm__ volatile(                                                                          \
            EE_RUR(8, words(0)) EE_RUR(9, words(1)) EE_RUR(10, words(2)) EE_RUR(11, words(3))      \
                EE_RUR(12, words(4)) "slli %[v], a8, 12\n\t"                                       \
                                     "srai %[v], %[v], 12\n\t"                                     \
                                     "s32i.n %[v], %[to], 0\n\t"                                   \
                                     "ssai 8\n\t"                                                  \
                                     "src %[v], a9, a8\n\t"                                        \
                                     "srai %[v], %[v], 12\n\t"                                     \
                                     "s32i.n %[v], %[to], 4\n\t"                                   \
                                     "slli %[v], a9, 4\n\t"                                        \
                                     "srai %[v], %[v], 12\n\t"                                     \
                                     "s32i.n %[v], %[to], 8\n\t"                                   \
                                     "ssai 16\n\t"                                                 \
                                     "src %[v], a10, a9\n\t"                                       \
                                     "srai %[v], %[v], 12\n\t"                                     \
                                     "s32i.n %[v], %[to], 12\n\t"                                  \
                                     "ssai 4\n\t"                                                  \
                                     "src %[v], a11, a10\n\t"                                      \
                                     "srai %[v], %[v], 12\n\t"                                     \
                                     "s32i.n %[v], %[to], 16\n\t"                                  \
                                     "slli %[v], a11, 8\n\t"                                       \
                                     "srai %[v], %[v], 12\n\t"                                     \
                                     "s32i.n %[v], %[to], 20\n\t"                                  \
                                     "ssai 12\n\t"                                                 \
                                     "src %[v], a12, a11\n\t"                                      \
                                     "srai %[v], %[v], 12\n\t"                                     \
                                     "s32i.n %[v], %[to], 24\n\t"                                  \
                                     "srai %[v], a12, 12\n\t"                                      \
                                     "s32i.n %[v], %[to], 28"                                      \
            : "=&r"(a8), "=&r"(a9), "=&r"(a10), "=&r"(a11), "=&r"(a12), [v] "=&r"(value)           \
            : [to] "r"(sum)                                                                        \
            : "memory");                                                                           \
    } while (0)

// Stores up to 16 sums of QACC at `sum`, or adds them (`more`); clears QACC.
static __attribute__((noinline)) void flush(int32_t *sum, uint32_t lanes, bool more) {
    int32_t others[LANES], *to = more ? others : sum;
    UNPACK(EE_QACC_L, to);
    if (lanes > 8) {
        to += 8;
        UNPACK(EE_QACC_H, to);
    }
    for (uint32_t i = 0; more && i < lanes; i++) {
        sum[i] += others[i];
    }
    __asm__ volatile(EE_ZERO_QACC);
}

// An output position: where its first tap is in the input, and which taps lie within the input.
typedef struct {
    const int8_t *at;
    tflm_taps_t y, x;
    bool whole; // All taps do, and may be summed at once.
} position_t;

static int32_t clip(int32_t tap, int32_t from, int32_t to) {
    return tap < from ? from : tap > to ? to : tap;
}

// Computes the sums of `lanes` neighbouring channels. `on` is the whole filter and its input; `off`
// has the input of taps outside of it.
static TFLM_NOINLINE void sum_lanes(const depthwise_t *self, const position_t *position,
                                    rectangle_t *on, rectangle_t *off, uint32_t lanes,
                                    int32_t *sum) {
    int32_t rows = self->y.taps, columns = self->x.taps;
    int32_t wide = columns < PRODUCTS ? columns : PRODUCTS, high = PRODUCTS / wide;
    bool shared = self->multiplier > 1;
    const int8_t *x = on->x, *w = on->w;
    for (int32_t i = 0; i < rows; i += high) {
        int32_t below = i + high < rows ? i + high : rows;
        int32_t y_from = clip(position->y.from, i, below), y_to = clip(position->y.to, i, below);
        for (int32_t j = 0; j < columns; j += wide) {
            int32_t beyond = j + wide < columns ? j + wide : columns;
            int32_t x_from = clip(position->x.from, j, beyond);
            int32_t x_to = clip(position->x.to, j, beyond);
            if (y_to - y_from < below - i || x_to - x_from < beyond - j) {
                off->w = w + i * off->w_row + j * off->w_column;
                add_taps(off, (uint32_t)(y_from - i), (uint32_t)(beyond - j), lanes, shared);
                off->w += (y_from - i) * off->w_row;
                add_taps(off, (uint32_t)(y_to - y_from), (uint32_t)(x_from - j), lanes, shared);
                off->w += (x_to - j) * off->w_column;
                add_taps(off, (uint32_t)(y_to - y_from), (uint32_t)(beyond - x_to), lanes, shared);
                off->w += (y_to - y_from) * off->w_row - (x_to - j) * off->w_column;
                add_taps(off, (uint32_t)(below - y_to), (uint32_t)(beyond - j), lanes, shared);
            }
            on->x = x + y_from * on->x_row + x_from * on->x_column;
            on->w = w + y_from * on->w_row + x_from * on->w_column;
            add_taps(on, (uint32_t)(y_to - y_from), (uint32_t)(x_to - x_from), lanes, shared);
            flush(sum, lanes, i + j > 0);
        }
    }
}

// Computes the outputs of some neighbouring channels at `count` positions of a row.
static void finish_lanes(const tflm_stage_t *stage, uint32_t channel, const int32_t *sum,
                         uint32_t lanes, uint32_t count, int8_t *output, uint32_t step) {
    if (count == 1) {
        tflm_finish_channels(stage, channel, sum, lanes, output);
        return;
    }
    for (uint32_t i = 0; i < lanes; i++) {
        tflm_finish_positions(stage, channel + i, sum + i, LANES * 4, count, output + i,
                              (ptrdiff_t)step);
    }
}

// Computes rows `from` to `to` of the output in plain C, one value after the other.
static TFLM_NOINLINE void run_plainly(const tflm_run_t *run, const depthwise_t *self, uint32_t from,
                                      uint32_t to) {
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    const tflm_stage_t stage = tflm_stage(run, &self->output, self->bias);
    uint32_t channels = self->output.channels;
    int8_t *output =
        (int8_t *)tflm_at(run, self->output_place) + (size_t)from * (uint32_t)wx->output * channels;
    for (; from < to; from++) {
        int32_t first_y = (int32_t)(from % (uint32_t)wy->output) * wy->stride - wy->padding;
        int32_t above = (int32_t)(from / (uint32_t)wy->output) * wy->input;
        for (int32_t column = 0; column < wx->output; column++) {
            int32_t first_x = column * wx->stride - wx->padding;
            for (uint32_t channel = 0; channel < channels; channel++) {
                const int8_t *w = weights + channel;
                uint32_t sum = 0;
                for (int32_t i = 0, y = first_y; i < wy->taps; i++, y += wy->dilation) {
                    for (int32_t j = 0, x = first_x; j < wx->taps; j++, x += wx->dilation) {
                        int32_t value = -self->input_offset;
                        if (y >= 0 && y < wy->input && x >= 0 && x < wx->input) {
                            value = input[(size_t)((above + y) * wx->input + x) * self->depth +
                                          channel / self->multiplier];
                        }
                        sum += (uint32_t)(value * *w);
                        w += channels;
                    }
                }
                tflm_finish_channels(&stage, channel, (int32_t *)&sum, 1, output++);
            }
        }
    }
}

TFLM_EVAL(depthwise_conv) {
    const depthwise_t *self = data;
    if (!tflm_vectors()) {
        run_plainly(run, self, from, to);
        return;
    }
    const tflm_stage_t stage = tflm_stage(run, &self->output, self->bias);
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    const int8_t *input = (const int8_t *)tflm_at(run, self->input);
    uint32_t channels = self->output.channels, columns = (uint32_t)wx->output;
    ptrdiff_t depth = (ptrdiff_t)self->depth, row_bytes = wx->input * depth;
    int32_t sum[POSITIONS * LANES];
    position_t positions[POSITIONS];
    // Taps outside of the input see its zero point, as that is in the biases.
    int8_t place[2 * LANES], *zeros = (int8_t *)(((uintptr_t)place + 15) & ~(uintptr_t)15);
    for (int i = 0; i < LANES; i++) {
        zeros[i] = (int8_t)-self->input_offset;
    }
    rectangle_t filter;
    filter.x_row = wy->dilation * row_bytes;
    filter.x_column = wx->dilation * depth;
    filter.w_row = wx->taps * (ptrdiff_t)channels;
    filter.w_column = (ptrdiff_t)channels;
    rectangle_t off = filter;
    off.x = zeros;
    off.x_row = off.x_column = 0;
    __asm__ volatile(EE_ZERO_QACC);
    for (uint32_t row = from; row < to; row++) {
        int32_t y;
        tflm_taps_t rows;
        tflm_window_taps(wy, (int32_t)(row % (uint32_t)wy->output), &y, &rows.from, &rows.to);
        y += (int32_t)(row / (uint32_t)wy->output) * wy->input;
        // The output may overlap earlier rows of the input, so a row begins only after the one
        // above is done.
        for (uint32_t first = 0, count; first < columns; first += count) {
            count = smaller(columns - first, POSITIONS);
            for (uint32_t i = 0; i < count; i++) {
                position_t *position = &positions[i];
                int32_t x;
                tflm_window_taps(wx, (int32_t)(first + i), &x, &position->x.from, &position->x.to);
                position->y = rows;
                position->at = input + y * row_bytes + x * depth;
                int32_t taps = (rows.to - rows.from) * (position->x.to - position->x.from);
                position->whole = taps == wy->taps * wx->taps && taps <= PRODUCTS;
            }
            int8_t *output = (int8_t *)tflm_at(run, self->output_place) +
                             ((size_t)row * columns + first) * channels;
            for (uint32_t channel = 0, lanes; channel < channels; channel += lanes) {
                lanes = self->multiplier > 1 ? self->multiplier - channel % self->multiplier
                                             : channels - channel;
                lanes = smaller(lanes, LANES);
                for (uint32_t i = 0; i < count; i++) {
                    filter.w = weights + channel;
                    filter.x = positions[i].at + channel / self->multiplier;
                    if (positions[i].whole) {
                        add_taps(&filter, (uint32_t)wy->taps, (uint32_t)wx->taps, lanes,
                                 self->multiplier > 1);
                        flush(sum + i * LANES, lanes, false);
                    } else {
                        sum_lanes(self, &positions[i], &filter, &off, lanes, sum + i * LANES);
                    }
                }
                finish_lanes(&stage, channel, sum, lanes, count, output + channel, channels);
            }
        }
    }
}

bool tflm_vector_taps_correct(const int8_t *x, const int8_t *w) {
    enum { CHANNELS = 13 };
    const rectangle_t taps = {x + 1, w + 1, 0, CHANNELS, 0, CHANNELS};
    int32_t sum[LANES];
    bool same = true;
    __asm__ volatile(EE_ZERO_QACC);
    for (uint32_t shared = 0; shared < 2; shared++) {
        add_taps(&taps, 1, PRODUCTS, CHANNELS, shared);
        flush(sum, CHANNELS, false);
        for (uint32_t i = 0; i < CHANNELS; i++) {
            int32_t expected = 0;
            for (uint32_t j = 1; j <= CHANNELS * PRODUCTS; j += CHANNELS) {
                expected += x[j + (shared ? 0 : i)] * w[j + i];
            }
            same = same && sum[i] == expected;
        }
    }
    return same;
}

#endif
