// SPDX-License-Identifier: Apache-2.0
// The inputs and outputs of an operator while it is prepared.
#include "node.h"

uint32_t tflm_node_input(tflm_node_t *node, uint32_t i) {
    if (i >= node->inputs.count) {
        return TFLM_NO_TENSOR;
    }
    int32_t tensor = fb_element_i32(&node->load->fb, node->inputs, i);
    return tensor < 0 ? TFLM_NO_TENSOR : (uint32_t)tensor;
}

uint32_t tflm_node_output(tflm_node_t *node, uint32_t i) {
    return (uint32_t)fb_element_i32(&node->load->fb, node->outputs, i);
}
