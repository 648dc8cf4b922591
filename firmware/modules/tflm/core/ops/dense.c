// SPDX-License-Identifier: Apache-2.0
// Prepares and folds the biases of layers that sum products of int8.
#include "dense.h"

// Returns how many folded biases follow the multipliers.
static uint32_t own_biases(const tflm_output_t *output) {
#ifdef TFLM_DSP
    (void)output;
    return 0;
#else
    return output->own_biases ? output->channels : 0;
#endif
}

tflm_stage_t tflm_stage(const tflm_run_t *run, const tflm_output_t *output, uint32_t bias) {
    tflm_stage_t stage;
    stage.multiplier = (const int32_t *)(output + 1);
    stage.bias = stage.multiplier + output->scales;
    stage.shift = (const int8_t *)(stage.bias + own_biases(output));
    if (!own_biases(output)) {
        stage.bias =
            bias == TFLM_PLACE_NONE ? NULL : (const int32_t *)(const void *)tflm_at(run, bias);
    }
    stage.scale_mask = output->scales > 1 ? UINT32_MAX : 0;
    stage.zero_point = output->zero_point;
    stage.low = output->low;
    stage.high = output->high;
    stage.left = output->left;
    return stage;
}

const int32_t *tflm_biases(const tflm_stage_t *stage, uint32_t channel, uint32_t count,
                           int32_t *room) {
    if (stage->bias && !((uintptr_t)stage->bias % sizeof *room)) {
        return stage->bias + channel;
    }
    if (stage->bias) {
        memcpy(room, (const uint8_t *)stage->bias + channel * sizeof *room, count * sizeof *room);
    } else {
        memset(room, 0, count * sizeof *room);
    }
    return room;
}

tflm_status_t tflm_expect_weights(tflm_node_t *node, const tflm_tensor_t *weights,
                                  uint32_t channels, int32_t axis) {
    tflm_type_t type = tflm_node_unpacked(node) ? TFLM_INT4 : TFLM_INT8;
    if (weights->type != type || !weights->data_at) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "weights are not constant int8");
    }
    if (weights->scales != 1 && (weights->scales != channels || weights->scale_axis != axis)) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u scales for %u channels", weights->scales,
                              channels);
    }
    if (weights->zero_point) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "weights with zero point %d",
                              weights->zero_point);
    }
    return TFLM_OK;
}

tflm_status_t tflm_get_bias(tflm_node_t *node, uint32_t index, uint32_t channels,
                            uint32_t *bias_at) {
    *bias_at = 0;
    if (tflm_node_input(node, index) == TFLM_NO_TENSOR) {
        return TFLM_OK;
    }
    tflm_tensor_t bias;
    TRY(tflm_get_input(node, index, &bias));
    if (bias.type != TFLM_INT32 || !bias.data_at) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "the bias is not constant int32");
    }
    if (bias.elements != channels) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u biases for %u channels", bias.elements,
                              channels);
    }
    *bias_at = bias.data_at;
    return TFLM_OK;
}

tflm_status_t tflm_stage_init(tflm_node_t *node, const tflm_tensor_t *input,
                              const tflm_tensor_t *weights, const tflm_tensor_t *output,
                              bool single_precision, tflm_output_t *stage) {
    fb_t *fb = &node->load->fb;
    uint32_t scales = stage->scales;
    int32_t *multiplier = (int32_t *)(stage + 1);
    int8_t *shift = (int8_t *)(multiplier + scales + own_biases(stage));
    for (uint32_t i = 0; i < scales; i++) {
        float a = input->scale, scale = fb_f32(fb, weights->scale_at + 4 * i);
        if (!(scale >= 0 && scale < 1e30f)) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL, "a weight scale is not sound");
        }
        if (single_precision && scales == 1) {
            a *= scale;
            scale = 1;
        }
        tflm_scale_t quantized = tflm_quantize_ratio(a, scale, output->scale);
        multiplier[i] = quantized.multiplier;
        shift[i] = (int8_t)quantized.shift;
        stage->left |= quantized.shift >= 0;
    }
    stage->zero_point = output->zero_point;
    return TFLM_OK;
}

void tflm_fold_zero_point(const uint8_t *weights, bool packed, uint32_t n, uint32_t step,
                          uint32_t channels, uint32_t next, int32_t zero_point, int32_t *bias) {
    for (uint32_t i = 0; i < channels; i++) {
        uint32_t sum = (uint32_t)bias[i];
        size_t at = (size_t)i * next;
        for (uint32_t j = 0; j < n; j++, at += step) {
            int32_t weight = packed
                                 ? (int32_t)((uint32_t)weights[at / 2] << (at % 2 ? 24 : 28)) >> 28
                                 : (int8_t)weights[at];
            sum -= (uint32_t)(zero_point * weight);
        }
        bias[i] = (int32_t)sum;
    }
}

#ifndef TFLM_DSP // Kernels for the DSP extension add the zero point to inputs.

// From this many positions on, folding biases for each inference costs less than a twelfth.
enum { MANY_POSITIONS = 16 };

uint32_t tflm_fold_rows(tflm_node_t *node, uint32_t channels, uint32_t n, uint32_t positions) {
    if (positions < MANY_POSITIONS) {
        return 0;
    }
    uint64_t some = node->cost / n;
    uint32_t rows = some < 1 ? channels : some < channels ? (channels - 1) / (uint32_t)some + 1 : 1;
    node->rows += rows;
    return rows;
}

// Subtracts the products with inputs that all are the zero point.
static void fold(const tflm_stage_t *stage, const int8_t *w, uint32_t n, int32_t zero_point,
                 uint32_t from, uint32_t to, int32_t *folded) {
    enum { PRODUCTS = 128, CHANNELS = 16 };
    int8_t x[PRODUCTS];
    int32_t room[CHANNELS], sum[CHANNELS];
    memset(x, zero_point, sizeof x);
    for (uint32_t count; from < to; from += count) {
        count = to - from < CHANNELS ? to - from : CHANNELS;
        memcpy(folded + from, tflm_biases(stage, from, count, room), count * sizeof *room);
        for (uint32_t at = 0, some; at < n; at += some) {
            some = n - at < PRODUCTS ? n - at : PRODUCTS;
            tflm_dense(x, w + (size_t)from * n + at, some, n, count, sum);
            for (uint32_t i = 0; i < count; i++) {
                folded[from + i] = (int32_t)((uint32_t)folded[from + i] - (uint32_t)sum[i]);
            }
        }
    }
}

void tflm_fold_row(const tflm_stage_t *stage, const int8_t *w, uint32_t n, int32_t zero_point,
                   uint32_t channels, uint32_t row, uint32_t rows, int32_t *folded) {
    uint32_t some = (channels - 1) / rows + 1, from = row * some;
    from = from < channels ? from : channels;
    fold(stage, w, n, zero_point, from, channels - from < some ? channels : from + some, folded);
}

// Folds biases while preparing, and keeps them after the multipliers.
static void fold_own(tflm_node_t *node, const tflm_tensor_t *t, int how, uint32_t bias_at,
                     tflm_output_t *output) {
    const uint8_t *model = node->load->fb.data;
    uint32_t channels = output->channels, n = t[1].elements / channels;
    const uint8_t *weights = model + t[1].data_at;
    int32_t *folded = (int32_t *)(output + 1) + output->scales;
    bool last = how & TFLM_LAST_AXIS, packed = tflm_node_unpacked(node);
    tflm_stage_t stage;
    stage.bias = bias_at ? (const int32_t *)(const void *)(model + bias_at) : NULL;
    if (packed || last) {
        for (uint32_t i = 0; i < channels; i++) {
            int32_t room;
            folded[i] = *tflm_biases(&stage, i, 1, &room);
        }
        tflm_fold_zero_point(weights, packed, n, last ? channels : 1, channels, last ? 1 : n,
                             t[0].zero_point, folded);
    } else {
        fold(&stage, (const int8_t *)weights, n, t[0].zero_point, 0, channels, folded);
    }
}

#endif

tflm_status_t tflm_get_depth(tflm_node_t *node, const tflm_tensor_t *t, uint32_t *depth) {
    const tflm_tensor_t *input = &t[0], *weights = &t[1], *output = &t[2];
    uint32_t units = (uint32_t)weights->dims[0];
    *depth = (uint32_t)weights->dims[1];
    if (weights->rank != 2 || !output->rank || input->elements % *depth ||
        input->elements / *depth * (uint64_t)units != output->elements ||
        (uint32_t)output->dims[output->rank - 1] != units) {
        return tflm_unfit(node);
    }
    if (fb_field_u8(&node->load->fb, node->options, 1, 0)) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "shuffled weights");
    }
    node->rows = output->elements;
    node->macs = (uint64_t)output->elements * *depth;
    node->cost = *depth + TFLM_FINISH_COST + TFLM_POSITION_COST / units;
    return TFLM_OK;
}

tflm_status_t tflm_dense_new(tflm_node_t *node, const tflm_tensor_t *t, int how,
                             unsigned activation, uint32_t places, uint32_t bytes, void **made) {
    fb_t *fb = &node->load->fb;
    const tflm_tensor_t *weights = &t[1], *output = &t[2];
    uint32_t channels = (uint32_t)output->dims[output->rank - 1], bias_at;
    TRY(tflm_expect_weights(node, weights, channels, how & TFLM_LAST_AXIS));
    TRY(tflm_get_bias(node, 2 + (bool)(how & TFLM_LATE_BIAS), channels, &bias_at));
    int32_t low, high;
    TRY(tflm_activation_range(node, fb_field_u8(fb, node->options, activation, 0), output, &low,
                              &high));
#ifdef TFLM_DSP
    const bool own = false;
#else
    bool own = how & TFLM_FOLD;
#endif
    void *made_data =
        tflm_node_data(node, places, bytes + tflm_stage_bytes(channels, weights->scales, own));
    uint8_t *self = made_data;
    *made = made_data;
    if (!made_data) {
        return TFLM_OK;
    }
    if (tflm_node_unpacked(node)) { // Place 1, after the input's, is that of the weights.
        ((uint32_t *)made_data)[1] = tflm_node_unpacked(node);
    }
    tflm_output_t *output_stage = (tflm_output_t *)(void *)(self + bytes) - 1;
    output_stage->channels = channels;
    output_stage->scales = weights->scales;
    output_stage->low = low;
    output_stage->high = high;
    output_stage->own_biases = own;
    TRY(tflm_stage_init(node, &t[0], weights, output, how & TFLM_SINGLE_PRECISION, output_stage));
#ifndef TFLM_DSP
    if (output_stage->own_biases) {
        fold_own(node, t, how, bias_at, output_stage);
    }
#endif
    return TFLM_OK;
}
