// SPDX-License-Identifier: Apache-2.0
// Checks the state and the matrices of the operators that keep state: SVDF and LSTM.
#include "recurrent.h"

tflm_status_t tflm_get_state(tflm_node_t *node, uint32_t input, tflm_type_t type, uint64_t elements,
                             tflm_tensor_t *state) {
    TRY(tflm_get_input(node, input, state));
    if (!state->is_variable || state->data_at || state->type != type ||
        state->elements != elements) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "input %u is no variable of %u %s", input,
                              (uint32_t)elements, tflm_type_name(type));
    }
    return tflm_expect_quantized(node, state);
}

tflm_status_t tflm_get_matrix(tflm_node_t *node, uint32_t input, tflm_type_t type, int32_t rows,
                              int32_t columns, tflm_tensor_t *matrix) {
    TRY(tflm_get_input(node, input, matrix));
    if (matrix->type != type || !matrix->data_at) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "input %u is not constant %s", input,
                              tflm_type_name(type));
    }
    if (matrix->rank != 2 || matrix->dims[0] != rows || matrix->dims[1] != columns ||
        matrix->zero_point) {
        return tflm_unfit(node);
    }
    return tflm_expect_quantized(node, matrix);
}
