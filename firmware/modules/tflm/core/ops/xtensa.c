// SPDX-License-Identifier: Apache-2.0
// Convolutions and fully connected layers for Xtensa's MAC16 option. ESP32-S3 has it, and ESP-IDF
// saves its registers with a task's others (components/xtensa/esp32s3/include/xtensa/config,
// core-isa.h: XCHAL_HAVE_MAC16; tie.h: XCHAL_NCP_SA_LIST). Bytes are first widened to 16 bits, for
// several channels or positions at once; then a product takes one instruction, which also loads.
// Unlike in the portable kernels, one channel after the other is summed at several positions of a
// row, so that its scale stays in registers.
//
// As there is no signed load of a byte, each goes into the upper half of 16 bits, whose lower half
// is zero: the sums in the accumulator, which has 40 bits, are 2^16 times too large.
//
// A module with kernels for ESP32-S3's vector unit leaves these out: esp32s3.c has its own.
#include "xtensa.h"

#ifdef TFLM_XTENSA

enum {
    INPUTS = TFLM_WIDENED,
    POSITIONS = TFLM_GROUP,
    AHEAD = TFLM_WIDENED_AHEAD,
};

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

#ifdef TFLM_WITHOUT_VECTORS

enum { WEIGHTS = 256 }; // Widened at once; 2^16 times the sum of so many products takes 39 bits.

// Sets `count` values, or one more. The first instruction of a loop must lie within four aligned
// bytes; it does, behind a two-byte instruction and `loop`, which has three.
static __attribute__((noinline)) void fill(int16_t *to, uint32_t count, int32_t value) {
    __asm__ volatile("j .Lbegin%=\n\t"
                     ".p2align 2\n"
                     ".Lbegin%=:\n\t"
                     "nop.n\n\t"
                     "loop %[words], .Lafter%=\n\t"
                     "s32i.n %[value], %[to], 0\n\t"
                     "addi.n %[to], %[to], 4\n"
                     ".Lafter%=:"
                     : [to] "+&r"(to)
                     : [words] "r"((count + 1) / 2), [value] "r"((uint16_t)value * 0x10001u)
                     : "memory");
}

// Widens n contiguous bytes.
static void widen(const int8_t *from, uint32_t n, int16_t *to) {
    int8_t *upper = (int8_t *)to + 1;
    const int8_t *end = from + n;
    for (const int8_t *last = end - n % 4; from < last; from += 4, upper += 8) {
        upper[0] = from[0];
        upper[2] = from[1];
        upper[4] = from[2];
        upper[6] = from[3];
    }
    for (; from < end; upper += 2) {
        *upper = *from++;
    }
}

// Steps along one axis: in bytes in the source, in values in the target.
typedef struct {
    uint32_t count;
    ptrdiff_t from_step, to_step;
} axis_t;

// Copies the bytes of a rectangle. A row of the inner axis begins 12 bytes behind an aligned
// address.
static __attribute__((noinline)) void gather(const int8_t *from, int16_t *to, const axis_t *outer,
                                             const axis_t *inner) {
    uint32_t value, count = outer->count;
    const int8_t *at;
    int16_t *put;
    if (!count) {
        return;
    }
    __asm__ volatile("j .Lnext%=\n\t"
                     ".p2align 2\n"
                     ".Lnext%=:\n\t"
                     "mov.n %[at], %[from]\n\t"
                     "mov.n %[put], %[to]\n\t"
                     "add.n %[from], %[from], %[outer_from]\n\t"
                     "add.n %[to], %[to], %[outer_to]\n\t"
                     "addi.n %[count], %[count], -1\n\t"
                     "loopnez %[inner], .Lafter%=\n\t"
                     "l8ui %[value], %[at], 0\n\t"
                     "add.n %[at], %[at], %[inner_from]\n\t"
                     "s8i %[value], %[put], 1\n\t"
                     "add.n %[put], %[put], %[inner_to]\n"
                     ".Lafter%=:\n\t"
                     "bnez %[count], .Lnext%="
                     : [value] "=&r"(value), [at] "=&r"(at), [put] "=&r"(put), [from] "+&r"(from),
                       [to] "+&r"(to), [count] "+&r"(count)
                     : [inner] "r"(inner->count), [inner_from] "r"(inner->from_step),
                       [inner_to] "r"(inner->to_step * 2), [outer_from] "r"(outer->from_step),
                       [outer_to] "r"(outer->to_step * 2)
                     : "memory");
}

// Sums `fours` times four products for each of `count` positions, between which x moves on by
// `step` values. Adds them to the sums, or sets these if `keep` is 0.
static __attribute__((noinline)) void sum_products(const int16_t *x, uint32_t step,
                                                   const int16_t *w, uint32_t fours, int32_t *sum,
                                                   uint32_t count, int32_t keep) {
    const int16_t *xi, *wi;
    x -= 2; // Loads increment their pointer first.
    w -= 2;
    // The loop begins 16 bytes behind an aligned address. The bits that reading ACCHI gives above
    // its 8 are shifted out.
    __asm__ volatile(
        "ssai 8\n\t"
        "j .Lnext%=\n\t"
        ".p2align 2\n"
        ".Lnext%=:\n\t"
        "mov.n %[xi], %[x]\n\t"
        "mov.n %[wi], %[w]\n\t"
        "ldinc m0, %[xi]\n\t"
        "ldinc m2, %[wi]\n\t"
        "mul.aa.ll %[zero], %[zero]\n\t"
        "loop %[fours], .Lproducts%=\n\t"
        "mula.dd.ll.ldinc m1, %[xi], m0, m2\n\t"
        "mula.dd.hh.ldinc m3, %[wi], m0, m2\n\t"
        "mula.dd.ll.ldinc m0, %[xi], m1, m3\n\t"
        "mula.dd.hh.ldinc m2, %[wi], m1, m3\n"
        ".Lproducts%=:\n\t"
        "rsr %[xi], acclo\n\t"
        "rsr %[wi], acchi\n\t"
        "src %[xi], %[wi], %[xi]\n\t"
        "srai %[xi], %[xi], 8\n\t"
        "l32i.n %[wi], %[sum], 0\n\t"
        "and %[wi], %[wi], %[keep]\n\t"
        "add.n %[xi], %[xi], %[wi]\n\t"
        "s32i.n %[xi], %[sum], 0\n\t"
        "addi.n %[sum], %[sum], 4\n\t"
        "add.n %[x], %[x], %[step]\n\t"
        "addi.n %[count], %[count], -1\n\t"
        "bnez %[count], .Lnext%="
        : [x] "+&r"(x), [sum] "+&r"(sum), [count] "+&r"(count), [xi] "=&r"(xi), [wi] "=&r"(wi)
        : [w] "r"(w), [fours] "r"(fours), [step] "r"(step * 2), [keep] "r"(keep), [zero] "r"(0)
        : "memory");
}

static uint32_t fours_of(uint32_t n) {
    return (n + 3) / 4;
}

uint32_t tflm_widened_positions(uint32_t n) {
    uint32_t most = INPUTS / (4 * fours_of(n));
    return most ? smaller(most, POSITIONS) : 1;
}

void tflm_widen(const int8_t *x, uint32_t n, uint32_t position, int16_t *widened) {
    uint32_t values = 4 * fours_of(n);
    if (values <= INPUTS) {
        widened += position * values;
        fill(widened, values, 0);
        widen(x, n, widened);
    }
}

// Sums several channels at one position, or one channel at several positions.
static TFLM_NOINLINE void sum_widened(const int8_t *x, int16_t *widened, const int8_t *w,
                                      uint32_t n, uint32_t stride, uint32_t channels,
                                      uint32_t count, int32_t *sum) {
    int16_t weights[WEIGHTS + AHEAD] __attribute__((aligned(4)));
    uint32_t values = 4 * fours_of(n);
    fill(weights, smaller(n, WEIGHTS), 0);
    if (values > INPUTS) {
        fill(widened, WEIGHTS, 0);
    }
    for (; channels; channels--, w += stride, sum++) {
        for (uint32_t at = 0; at < n; at += WEIGHTS) {
            uint32_t products = smaller(n - at, WEIGHTS);
            const int16_t *inputs = widened + at;
            if (values > INPUTS) {
                inputs = widened;
                widen(x + at, products, widened);
            }
            widen(w + at, products, weights);
            for (uint32_t i = products; i % 4; i++) {
                weights[i] = 0;
            }
            sum_products(inputs, values, weights, fours_of(products), sum, count, -(at > 0));
        }
    }
}

void tflm_sum_positions(int16_t *widened, const int8_t *w, uint32_t n, uint32_t count,
                        int32_t *sum) {
    sum_widened(NULL, widened, w, n, 0, 1, count, sum);
}

void tflm_sum_channels(const int8_t *x, int16_t *widened, const int8_t *w, uint32_t n,
                       uint32_t stride, uint32_t channels, int32_t *sum) {
    sum_widened(x, widened, w, n, stride, channels, 1, sum);
}

#endif

void tflm_dense_widened(const tflm_stage_t *stage, const int8_t *x, int16_t *widened,
                        uint32_t count, const int8_t *w, uint32_t n, uint32_t from, uint32_t to,
                        int8_t *output, uint32_t step) {
    int32_t sum[POSITIONS];
    for (uint32_t channels; from < to; from += channels) {
        const int8_t *at = w + (size_t)from * n;
        channels = count > 1 ? 1 : smaller(to - from, POSITIONS);
        if (count > 1) {
            tflm_sum_positions(widened, at, n, count, sum);
            tflm_finish_positions(stage, from, sum, sizeof *sum, count, output + from,
                                  (ptrdiff_t)step);
        } else {
            tflm_sum_channels(x, widened, at, n, n, channels, sum);
            tflm_finish_channels(stage, from, sum, channels, output + from);
        }
    }
}

void tflm_dense(const int8_t *x, const int8_t *w, uint32_t n, uint32_t stride, uint32_t channels,
                int32_t *sum) {
    int16_t widened[INPUTS + AHEAD] __attribute__((aligned(4)));
    tflm_widen(x, n, 0, widened);
    if (channels) {
        tflm_sum_channels(x, widened, w, n, stride, channels, sum);
    }
}

void tflm_dense_all(const tflm_stage_t *stage, const int8_t *x, int32_t offset, const int8_t *w,
                    uint32_t n, uint32_t from, uint32_t to, int8_t *output) {
    (void)offset; // The offset is in the biases.
    int16_t widened[INPUTS + AHEAD] __attribute__((aligned(4)));
    tflm_widen(x, n, 0, widened);
    tflm_dense_widened(stage, x, widened, 1, w, n, from, to, output, 0);
}

#ifdef TFLM_WITHOUT_VECTORS

// Of `taps` taps from `first` on along one axis, finds those within the input. Returns the first.
static int32_t meet(const tflm_window_t *window, int32_t first, uint32_t taps, axis_t *axis) {
    tflm_window_t part = *window;
    part.taps = (int32_t)taps;
    tflm_taps_t met = tflm_window_edge(&part, first);
    axis->count = (uint32_t)(met.to - met.from);
    return met.from;
}

TFLM_EVAL(depthwise_conv) {
    const depthwise_t *self = data;
    const tflm_stage_t stage = tflm_stage(run, &self->output, self->bias);
    const tflm_window_t *wx = &self->x, *wy = &self->y;
    const int8_t *weights = (const int8_t *)tflm_at(run, self->weights);
    uint32_t channels = self->output.channels, stride = (uint32_t)wx->stride;
    uint32_t columns = (uint32_t)wx->output, taps_x = (uint32_t)wx->taps,
             taps_y = (uint32_t)wy->taps;
    // Taps, and their inputs, lie in columns of `room` rows, an even number, so that each begins
    // aligned. Large filters are taken in pieces.
    uint32_t wide = smaller(taps_x, WEIGHTS / 2), high = smaller(taps_y, WEIGHTS / wide & ~1u);
    uint32_t room = (high + 1) & ~1u, most = 1;
    bool whole = wide == taps_x && high == taps_y;
    if (wx->dilation == 1 && whole) {
        most = smaller((INPUTS / room - wide) / stride + 1, smaller(POSITIONS, columns));
    }
    int16_t met[INPUTS + AHEAD] __attribute__((aligned(4)));
    int16_t filter[WEIGHTS + AHEAD] __attribute__((aligned(4)));
    int32_t sum[POSITIONS];
    axis_t filter_x, filter_y, met_x, met_y;
    ptrdiff_t row_bytes = (ptrdiff_t)((size_t)wx->input * self->depth);
    filter_x.from_step = (ptrdiff_t)channels;
    filter_y.from_step = (ptrdiff_t)(taps_x * channels);
    met_x.from_step = wx->dilation * (ptrdiff_t)self->depth;
    met_y.from_step = wy->dilation * row_bytes;
    filter_x.to_step = met_x.to_step = (ptrdiff_t)room;
    filter_y.to_step = met_y.to_step = 1;
    for (uint32_t row = from; row < to; row++) {
        const int8_t *input =
            (const int8_t *)tflm_at(run, self->input) +
            (ptrdiff_t)(row / (uint32_t)wy->output * (uint32_t)wy->input) * row_bytes;
        int32_t first_y = (int32_t)(row % (uint32_t)wy->output) * wy->stride - wy->padding;
        int8_t *output = (int8_t *)tflm_at(run, self->output_place) + row * columns * channels;
        uint32_t count;
        for (uint32_t column = 0; column < columns; column += count) {
            count = smaller(columns - column, most);
            int32_t first_x = (int32_t)(column * stride) - wx->padding;
            ptrdiff_t met_from = 0;
            int16_t *met_to = met;
            const axis_t *shorter = &met_y, *longer = &met_x;
            for (uint32_t channel = 0; channel < channels; channel++) {
                for (uint32_t i = 0; i < taps_y; i += high) {
                    for (uint32_t j = 0; j < taps_x; j += wide) {
                        filter_y.count = smaller(taps_y - i, high);
                        filter_x.count = smaller(taps_x - j, wide);
                        // Channels differ only in the inputs themselves.
                        if (!channel || !whole) {
                            int32_t y = first_y + (int32_t)i * wy->dilation;
                            int32_t x = first_x + (int32_t)j * wx->dilation;
                            int32_t from_y = meet(wy, y, filter_y.count, &met_y);
                            int32_t from_x =
                                meet(wx, x, (count - 1) * stride + filter_x.count, &met_x);
                            met_from = (y + from_y * wy->dilation) * row_bytes +
                                       (x + from_x * wx->dilation) * (ptrdiff_t)self->depth;
                            met_to = met + (uint32_t)from_x * room + from_y;
                            fill(met, ((count - 1) * stride + wide) * room,
                                 -self->input_offset * 256);
                            fill(filter, wide * room + 2, 0);
                            shorter = met_y.count > met_x.count ? &met_x : &met_y;
                            longer = met_y.count > met_x.count ? &met_y : &met_x;
                        }
                        gather(weights + (i * taps_x + j) * channels + channel, filter, &filter_x,
                               &filter_y);
                        gather(input + met_from + channel / self->multiplier, met_to, shorter,
                               longer);
                        sum_products(met, stride * room, filter, fours_of(filter_x.count * room),
                                     sum, count, -(i + j > 0));
                    }
                }
                tflm_finish_positions(&stage, channel, sum, sizeof *sum, count,
                                      output + column * channels + channel, (ptrdiff_t)channels);
            }
        }
    }
}

#endif
#endif
