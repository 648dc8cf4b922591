// SPDX-License-Identifier: Apache-2.0
// The operators that can be run. -DTFLM_WITHOUT_NAME leaves one out; its code then is in no image,
// as nothing refers to it (link with -ffunction-sections and --gc-sections).
#include "ops/ops.h"

// In ascending order of name.
static const tflm_kernel_t kernels[] = {
    {TFLM_CODE_ASSIGN_VARIABLE, 0, 0, tflm_assign_variable_prepare, tflm_copy_eval},
    {1, 0, 0, tflm_average_pool_prepare, tflm_average_pool_eval},
    {129, 0, 0, tflm_call_once_prepare, NULL},
    {2, 0, 0, tflm_concatenation_prepare, tflm_move_eval},
    {3, 0, 0, tflm_conv_prepare, tflm_conv_eval},
    {4, 0, 0, tflm_depthwise_conv_prepare, tflm_depthwise_conv_eval},
    {9, 0, 0, tflm_fully_connected_prepare, tflm_fully_connected_eval},
    {14, 0, 0, tflm_logistic_prepare, tflm_logistic_eval},
    {114, 0, 0, tflm_quantize_prepare, tflm_quantize_eval},
    {TFLM_CODE_READ_VARIABLE, 0, 0, tflm_read_variable_prepare, tflm_copy_eval},
    {22, 0, 1, tflm_reshape_prepare, tflm_copy_eval},
    {25, 0, 0, tflm_softmax_prepare, tflm_softmax_eval},
    {102, 0, 0, tflm_split_v_prepare, tflm_move_eval},
    {45, 0, 0, tflm_strided_slice_prepare, tflm_move_eval},
    {TFLM_CODE_VAR_HANDLE, 0, 0, tflm_var_handle_prepare, NULL},
};

enum { KERNELS = sizeof kernels / sizeof *kernels };

const tflm_kernel_t *tflm_kernel(uint32_t index) {
    return &kernels[index < KERNELS ? index : 0];
}

int32_t tflm_find_kernel(int32_t code) {
    for (int32_t i = 0; i < KERNELS; i++) {
        if (kernels[i].code == code) {
            return i;
        }
    }
    return -1;
}

int32_t tflm_supported_code(unsigned index) {
    return index < KERNELS ? kernels[index].code : -1;
}
