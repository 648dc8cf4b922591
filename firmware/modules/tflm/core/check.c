// SPDX-License-Identifier: Apache-2.0
// Checks that the operators' prepare functions make of their nodes and tensors.
#include "check.h"

#include <string.h>

#include "message.h"
#include "model.h"
#include "types.h"

static tflm_status_t get(tflm_node_t *node, const char *what, uint32_t i, uint32_t id,
                         tflm_tensor_t *tensor) {
    if (id == TFLM_NO_TENSOR) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%s %u is missing", what, i);
    }
    TRY(tflm_read_tensor(node->load, &node->load->main, id, tensor));
    if (!tensor->elements) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%s %u is empty", what, i);
    }
    return TFLM_OK;
}

tflm_status_t tflm_get_input(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor) {
    return get(node, "input", i, tflm_node_input(node, i), tensor);
}

tflm_status_t tflm_get_output(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor) {
    return get(node, "output", i, tflm_node_output(node, i), tensor);
}

tflm_status_t tflm_expect(tflm_node_t *node, uint32_t inputs_min, uint32_t inputs_max,
                          uint32_t outputs) {
    if (node->inputs.count < inputs_min || node->inputs.count > inputs_max ||
        node->outputs.count != outputs) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u inputs and %u outputs",
                              node->inputs.count, node->outputs.count);
    }
    return TFLM_OK;
}

tflm_status_t tflm_get_tensors(tflm_node_t *node, const char *kinds, tflm_tensor_t *tensors) {
    uint32_t inputs = 0, optional = 0;
    for (tflm_tensor_t *tensor = tensors; *kinds; tensor++, inputs++) {
        if (*kinds == '?') {
            optional = 1;
            kinds++;
        }
        uint32_t kind = (uint8_t)*kinds++;
        const char *what = *kinds ? "input" : "output";
        uint32_t i = *kinds ? inputs : 0;
        if (*kinds) {
            TRY(tflm_get_input(node, i, tensor));
        } else {
            TRY(tflm_expect(node, inputs, inputs + optional, 1));
            TRY(tflm_get_output(node, i, tensor));
        }
        if ((kind | 32) == 'q') {
            if (tensor->type != tflm_node_type(node)) {
                return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s %u is %s", what, i,
                                      tflm_type_name(tensor->type));
            }
            TRY(tflm_expect_quantized(node, tensor));
        }
        if (kind < 'a') {
            TRY(tflm_expect_same_shape(node, tensors, tensor));
        }
    }
    return TFLM_OK;
}

tflm_status_t tflm_expect_same_shape(tflm_node_t *node, const tflm_tensor_t *a,
                                     const tflm_tensor_t *b) {
    if (a->rank != b->rank || memcmp(a->dims, b->dims, sizeof a->dims)) {
        return tflm_unfit(node);
    }
    return TFLM_OK;
}

tflm_status_t tflm_expect_quantized(tflm_node_t *node, const tflm_tensor_t *tensor) {
    int32_t low, high;
    tflm_type_range(tensor->type, &low, &high);
    // The upper bound keeps products of scales finite.
    if (tensor->scales != 1 || !(tensor->scale > 0) || !(tensor->scale < 1e30f)) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "a tensor lacks a sound scale");
    }
    if (tensor->zero_point < low || tensor->zero_point > high) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "zero point %d is out of range",
                              tensor->zero_point);
    }
    return TFLM_OK;
}

tflm_status_t tflm_constants(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *values,
                             uint32_t max) {
    fb_t *fb = &node->load->fb;
    if (!tensor->data_at || (tensor->type != TFLM_INT32 && tensor->type != TFLM_INT64) ||
        tensor->elements > max) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED,
                              "a parameter is not constant, or not at most %u int32", max);
    }
    for (uint32_t i = 0; i < tensor->elements; i++) {
        values[i] = tensor->type == TFLM_INT32 ? (int32_t)fb_u32(fb, tensor->data_at + 4 * i)
                                               : fb_i64(fb, tensor->data_at + 8 * i);
    }
    return TFLM_OK;
}

tflm_status_t tflm_axis(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *axis) {
    int32_t rank = (int32_t)tensor->rank;
    if (*axis < -rank || *axis >= rank) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "axis %d", *axis);
    }
    *axis += *axis < 0 ? rank : 0;
    return TFLM_OK;
}
