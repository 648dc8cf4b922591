// SPDX-License-Identifier: Apache-2.0
// What convolutions and fully connected layers share: sums of products of int8 with an int32 bias
// per channel, scaled back to int8.
// The input's zero point is folded into the biases: sum((x - zero) * w) + bias is sum(x * w) +
// (bias - zero * sum(w)). With many output positions, the operator folds them while it runs, into
// scratch memory; with few, prepare folds them, and the record keeps them. Kernels for Arm's DSP
// extension instead add the zero point to inputs at no cost, and use the model's biases. Sums wrap
// around in 32 bits, as they do on every target.
#ifndef TFLM_DENSE_H
#define TFLM_DENSE_H

#include <string.h>

#include "../record.h"
#include "ops.h"
#include "target.h"

// The costs of a position, and of finishing one output, in products. On person_detect an output
// takes 11 instructions on a Cortex-M55 and 38 on a Cortex-M4, a product of a deep convolution 0.15
// and 1.5.
enum { TFLM_POSITION_COST = 80, TFLM_FINISH_COST = 24 };

// Returns the cost of a position with this many outputs, each the sum of this many products.
static inline uint64_t tflm_dense_cost(uint32_t outputs, uint32_t products) {
    return TFLM_POSITION_COST + (uint64_t)outputs * ((uint64_t)products + TFLM_FINISH_COST);
}

// How sums become outputs. Multipliers follow the operator's own data, then the biases that were
// folded while preparing, then shifts.
typedef struct {
    int32_t zero_point, low, high;
    uint32_t channels;
    uint32_t scales; // `channels`, or 1 for all of them.
    bool left;       // Whether some shifts are not to the right.
    bool own_biases; // Whether biases were folded while preparing. Never for TFLM_DSP.
} tflm_output_t;

typedef struct {
    const int32_t *bias; // NULL: none. Those in the model may lie at any address.
    const int32_t *multiplier;
    const int8_t *shift;
    uint32_t scale_mask; // 0: one scale for all channels.
    int32_t zero_point, low, high;
    bool left; // Whether some shifts are not to the right.
} tflm_stage_t;

// Returns the bytes that multipliers, biases and shifts take.
static inline uint32_t tflm_stage_bytes(uint32_t channels, uint32_t scales, bool own_biases) {
    return scales * 5 + (own_biases ? channels * 4 : 0);
}

// Finds what follows the operator's data. `bias` is the place of biases that are not among it, or
// none.
tflm_stage_t tflm_stage(const tflm_run_t *run, const tflm_output_t *output, uint32_t bias);

// `sum` includes its bias.
static inline int8_t tflm_finish(const tflm_stage_t *stage, uint32_t channel, uint32_t sum) {
    uint32_t i = channel & stage->scale_mask;
    int32_t value = tflm_scale_apply((int32_t)sum, stage->multiplier[i], stage->shift[i]);
    value = (int32_t)((uint32_t)value + (uint32_t)stage->zero_point);
    return (int8_t)tflm_clamp(value, stage->low, stage->high);
}

// Sums that are finished together.
#define TFLM_SUMS 128

// Returns the biases of at most TFLM_SUMS channels from `channel` on; uses `room` if they have to
// be copied.
const int32_t *tflm_biases(const tflm_stage_t *stage, uint32_t channel, uint32_t count,
                           int32_t *room);

// As tflm_finish, for `sums` sums without their biases. They belong to the `count` channels from
// `channel` on, at one or several positions, whose outputs are contiguous from `output` on.
void tflm_finish_all(const tflm_stage_t *stage, uint32_t channel, uint32_t count, uint32_t sums,
                     const int32_t *sum, int8_t *output);

// Checks that int8 weights have one scale, or one for each of `channels` along `axis`.
tflm_status_t tflm_expect_weights(tflm_node_t *node, const tflm_tensor_t *weights,
                                  uint32_t channels, int32_t axis);

// Checks an optional int32 bias; *bias_at is where it is in the model, 0 for none.
tflm_status_t tflm_get_bias(tflm_node_t *node, uint32_t index, uint32_t channels,
                            uint32_t *bias_at);

// Fills in `stage` and, after it, multipliers and shifts. Fails on invalid scales. With
// `single_precision`, input and weight scale are multiplied as TensorFlow Lite does in fully
// connected layers that have one scale.
tflm_status_t tflm_stage_init(tflm_node_t *node, const tflm_tensor_t *input,
                              const tflm_tensor_t *weights, const tflm_tensor_t *output,
                              bool single_precision, tflm_output_t *stage);

// Checks the shapes of input, weights and output of FULLY_CONNECTED; gives the number of products
// for an output, and sets the node's rows, macs and cost.
tflm_status_t tflm_get_depth(tflm_node_t *node, const tflm_tensor_t *t, uint32_t *depth);

// The ways in which layers differ.
enum {
    TFLM_LAST_AXIS = 3,        // The weights' scales belong to dimension 3, not 0.
    TFLM_FOLD = 4,             // prepare folds the biases, and keeps them; see tflm_fold_rows.
    TFLM_SINGLE_PRECISION = 8, // See tflm_stage_init.
    TFLM_LATE_BIAS = 16,       // The bias is input 3, not 2.
};

// Checks weights, bias and activation (the number of its option) of a layer; `t` holds input,
// weights and output. Creates its data, `bytes` bytes that end in a tflm_output_t, and what follows
// them. *made is NULL if there is no room, see tflm_node_data.
tflm_status_t tflm_dense_new(tflm_node_t *node, const tflm_tensor_t *t, int how,
                             unsigned activation, uint32_t places, uint32_t bytes, void **made);

// Returns how many rows of work fold biases while the operator runs; they are added to the node's
// rows, and come first. Each folds the biases of some channels, which have n contiguous weights
// each. 0: prepare folds them (TFLM_FOLD), as there are few output positions, or nothing is folded.
#ifdef TFLM_DSP
#define tflm_fold_rows(node, channels, n, positions) 0
#else
uint32_t tflm_fold_rows(tflm_node_t *node, uint32_t channels, uint32_t n, uint32_t positions);
#endif

// Returns the first of these rows of work. `data` is what eval gets.
TFLM_SHARED uint32_t tflm_first_fold(const void *data, uint32_t fold_rows) {
    const tflm_record_t *record = (const tflm_record_t *)data - 1;
    return fold_rows && record->backwards ? record->rows - fold_rows : 0;
}

// Runs such a row, `row` of `rows`. `stage` has the biases that are not folded yet.
void tflm_fold_row(const tflm_stage_t *stage, const int8_t *w, uint32_t n, int32_t zero_point,
                   uint32_t channels, uint32_t row, uint32_t rows, int32_t *folded);

#ifdef TFLM_XTENSA
// The number of inputs that tflm_widen can widen at once, and of those read beyond them.
enum { TFLM_WIDENED = 768, TFLM_WIDENED_AHEAD = 16 };

// Returns how many positions of n inputs each can be widened at once.
uint32_t tflm_widened_positions(uint32_t n);

// Widens the inputs at one of these positions, unless even one position has too many.
void tflm_widen(const int8_t *x, uint32_t n, uint32_t position, int16_t *widened);

// As tflm_dense_all, at `count` such positions, whose outputs lie `step` bytes apart. If not even
// one could be widened, x are its inputs.
void tflm_dense_widened(const tflm_stage_t *stage, const int8_t *x, int16_t *widened,
                        uint32_t count, const int8_t *w, uint32_t n, uint32_t from, uint32_t to,
                        int8_t *output, uint32_t step);
#else
// The number of positions of a row that are best computed together.
enum { TFLM_POSITIONS = 4 };

// As tflm_dense_plus, for TFLM_POSITIONS positions, whose inputs lie `step` bytes apart; their sums
// are contiguous.
void tflm_dense_positions(const int8_t *x, ptrdiff_t step, int32_t offset, const int8_t *w,
                          uint32_t n, uint32_t channels, int32_t *sum);
#endif

// Computes the sums of n products for each of `channels` channels at one position, without their
// biases. The channels' weights are `stride` bytes apart.
void tflm_dense(const int8_t *x, const int8_t *w, uint32_t n, uint32_t stride, uint32_t channels,
                int32_t *sum);

// As tflm_dense, with an offset added to inputs if biases are not folded.
#ifdef TFLM_DSP
void tflm_dense_plus(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n, uint32_t stride,
                     uint32_t channels, int32_t *sum);
#else
#define tflm_dense_plus(x, offset, ...) ((void)(offset), tflm_dense(x, __VA_ARGS__))
#endif

// Computes the outputs of channels `from` to `to` at one position. Channel c's weights are at w + c
// * n, its output at output + c. `offset` is as above.
void tflm_dense_all(const tflm_stage_t *stage, const int8_t *x, int32_t offset, const int8_t *w,
                    uint32_t n, uint32_t from, uint32_t to, int8_t *output);

// Returns the sum of n numbers.
int32_t tflm_sum_of(const int8_t *x, uint32_t n);

// Returns the sum of n products (x + offset) * w.
uint32_t tflm_dot1(const int8_t *x, int32_t offset, const int8_t *w, uint32_t n);

// Returns the sum of n products of int16, at any alignment.
uint32_t tflm_dot_16(const uint8_t *x, const uint8_t *w, uint32_t n);

// Subtracts zero_point times the sum of each channel's n weights, packed int4 ones if `packed`,
// from its bias. A channel's weights are `step` elements apart, and each channel's begin `next`
// elements after those of the one before.
TFLM_COLD void tflm_fold_zero_point(const uint8_t *weights, bool packed, uint32_t n, uint32_t step,
                                    uint32_t channels, uint32_t next, int32_t zero_point,
                                    int32_t *bias);

#endif
