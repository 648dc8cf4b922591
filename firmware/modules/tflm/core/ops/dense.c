// SPDX-License-Identifier: Apache-2.0
#include "dense.h"

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
                              uint32_t bias_at, bool single_precision, tflm_output_t *stage,
                              void *after) {
    fb_t *fb = &node->load->fb;
    uint32_t channels = stage->channels, scales = stage->scales;
    int32_t *bias = after;
    int32_t *multiplier = bias + channels;
    int8_t *shift = (int8_t *)(multiplier + scales);
    for (uint32_t i = 0; bias_at && i < channels; i++) {
        bias[i] = (int32_t)fb_u32(fb, bias_at + 4 * i);
    }
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

// Weight `i`, of int4 where they are packed.
static int32_t weight(const uint8_t *weights, bool packed, size_t i) {
    if (!packed) {
        return (int8_t)weights[i];
    }
    return (int32_t)((uint32_t)weights[i / 2] << (i % 2 ? 24 : 28)) >> 28;
}

void tflm_fold_zero_point(const uint8_t *weights, bool packed, uint32_t n, uint32_t step,
                          uint32_t channels, uint32_t next, int32_t zero_point, int32_t *bias) {
    for (uint32_t i = 0; i < channels; i++) {
        uint32_t sum = 0;
        for (uint32_t j = 0; j < n; j++) {
            sum += (uint32_t)weight(weights, packed, (size_t)i * next + (size_t)j * step);
        }
        bias[i] = (int32_t)((uint32_t)bias[i] - (uint32_t)zero_point * sum);
    }
}

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
    void *made_data =
        tflm_node_data(node, places, bytes + tflm_stage_bytes(channels, weights->scales));
    uint8_t *self = made_data;
    *made = made_data;
    if (!made_data) {
        return TFLM_OK;
    }
    if (tflm_node_unpacked(node)) { // Weights come behind the input.
        ((uint32_t *)made_data)[1] = tflm_node_unpacked(node);
    }
    void *after = self + bytes;
    tflm_output_t *stage = (tflm_output_t *)after - 1;
    stage->channels = channels;
    stage->scales = weights->scales;
    stage->low = low;
    stage->high = high;
    TRY(tflm_stage_init(node, &t[0], weights, output, bias_at, how & TFLM_SINGLE_PRECISION, stage,
                        after));
    if (how & TFLM_FOLD) {
        uint32_t n = weights->elements / channels;
        bool last = how & TFLM_LAST_AXIS;
        tflm_fold_zero_point(fb->data + weights->data_at, tflm_node_unpacked(node), n,
                             last ? channels : 1, channels, last ? 1 : n, t[0].zero_point, after);
    }
    return TFLM_OK;
}
