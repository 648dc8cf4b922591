// SPDX-License-Identifier: Apache-2.0
// The operators that can be run. -DTFLM_WITHOUT_NAME leaves one out; its code then is in no image,
// as nothing refers to it (link with -ffunction-sections and --gc-sections).
#include "ops/ops.h"

// In ascending order of name; then those for other types than int8.
static const tflm_kernel_t kernels[] = {
#ifndef TFLM_WITHOUT_ADD
    {0, 11, 0, 0, "ADD", tflm_add_prepare, tflm_arithmetic_eval},
#endif
#ifndef TFLM_WITHOUT_ARG_MAX
    {56, 0, 0, 0, "ARG_MAX", tflm_arg_max_prepare, tflm_arg_max_eval},
#endif
#ifndef TFLM_WITHOUT_ASSIGN_VARIABLE
    {TFLM_CODE_ASSIGN_VARIABLE, 0, 0, TFLM_ASSIGNS, "ASSIGN_VARIABLE", tflm_assign_variable_prepare,
     tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_AVERAGE_POOL_2D
    {1, 5, 0, 0, "AVERAGE_POOL_2D", tflm_pool_prepare, tflm_average_pool_eval},
#endif
#ifndef TFLM_WITHOUT_BATCH_MATMUL
    {126, 101, 0, 0, "BATCH_MATMUL", tflm_batch_matmul_prepare, tflm_batch_matmul_eval},
#endif
#ifndef TFLM_WITHOUT_CALL_ONCE
    {129, 103, 0, 0, "CALL_ONCE", tflm_call_once_prepare, NULL},
#endif
#ifndef TFLM_WITHOUT_CAST
    {53, 37, 0, 0, "CAST", tflm_cast_prepare, tflm_cast_eval},
#endif
#ifndef TFLM_WITHOUT_CONCATENATION
    {2, 10, 0, TFLM_MOVES, "CONCATENATION", tflm_concatenation_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_CONV_2D
    {3, 1, 1, 0, "CONV_2D", tflm_conv_prepare, tflm_conv_eval},
#endif
#ifndef TFLM_WITHOUT_DEPTHWISE_CONV_2D
    {4, 2, 0, 0, "DEPTHWISE_CONV_2D", tflm_depthwise_conv_prepare, tflm_depthwise_conv_eval},
#endif
#ifndef TFLM_WITHOUT_DEQUANTIZE
    {6, 0, 0, 0, "DEQUANTIZE", tflm_dequantize_prepare, tflm_dequantize_eval},
#endif
#ifndef TFLM_WITHOUT_EXPAND_DIMS
    {70, 0, 0, TFLM_MOVES, "EXPAND_DIMS", tflm_reshape_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_FULLY_CONNECTED
    {9, 8, 0, 0, "FULLY_CONNECTED", tflm_fully_connected_prepare, tflm_fully_connected_eval},
#endif
#ifndef TFLM_WITHOUT_GATHER
    {36, 23, 0, 0, "GATHER", tflm_gather_prepare, tflm_gather_eval},
#endif
#ifndef TFLM_WITHOUT_HARD_SWISH
    {117, 0, 0, 0, "HARD_SWISH", tflm_hard_swish_prepare, tflm_table_eval},
#endif
#ifndef TFLM_WITHOUT_LEAKY_RELU
    {98, 75, 0, 0, "LEAKY_RELU", tflm_leaky_relu_prepare, tflm_table_eval},
#endif
#ifndef TFLM_WITHOUT_LOGISTIC
    {14, 0, 0, 0, "LOGISTIC", tflm_logistic_prepare, tflm_logistic_eval},
#endif
#ifndef TFLM_WITHOUT_MAXIMUM
    {55, 0, 0, 0, "MAXIMUM", tflm_min_max_prepare, tflm_maximum_eval},
#endif
#ifndef TFLM_WITHOUT_MAX_POOL_2D
    {17, 5, 0, 0, "MAX_POOL_2D", tflm_pool_prepare, tflm_max_pool_eval},
#endif
#ifndef TFLM_WITHOUT_MEAN
    {40, 27, 0, 0, "MEAN", tflm_mean_prepare, tflm_mean_or_sum_eval},
#endif
#ifndef TFLM_WITHOUT_MINIMUM
    {57, 0, 0, 0, "MINIMUM", tflm_min_max_prepare, tflm_minimum_eval},
#endif
#ifndef TFLM_WITHOUT_MUL
    {18, 21, 0, 0, "MUL", tflm_mul_prepare, tflm_arithmetic_eval},
#endif
#ifndef TFLM_WITHOUT_PACK
    {83, 59, 0, TFLM_MOVES, "PACK", tflm_pack_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_PAD
    {34, 0, 0, 0, "PAD", tflm_pad_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_PADV2
    {60, 0, 0, 0, "PADV2", tflm_pad_v2_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_PRELU
    {54, 0, 0, 0, "PRELU", tflm_prelu_prepare, tflm_prelu_eval},
#endif
#ifndef TFLM_WITHOUT_QUANTIZE
    {114, 0, 0, 0, "QUANTIZE", tflm_quantize_prepare, tflm_quantize_eval},
#endif
#ifndef TFLM_WITHOUT_READ_VARIABLE
    {TFLM_CODE_READ_VARIABLE, 0, 0, TFLM_READS, "READ_VARIABLE", tflm_read_variable_prepare,
     tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_REDUCE_MAX
    {82, 27, 0, 0, "REDUCE_MAX", tflm_reduce_max_prepare, tflm_reduce_max_eval},
#endif
#ifndef TFLM_WITHOUT_RELU
    {19, 0, 0, 0, "RELU", tflm_relu_prepare, tflm_table_eval},
#endif
#ifndef TFLM_WITHOUT_RELU6
    {21, 0, 0, 0, "RELU6", tflm_relu6_prepare, tflm_table_eval},
#endif
#ifndef TFLM_WITHOUT_RESHAPE
    {22, 0, 0, TFLM_MOVES, "RESHAPE", tflm_reshape_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_RESIZE_BILINEAR
    {23, 15, 0, 0, "RESIZE_BILINEAR", tflm_resize_bilinear_prepare, tflm_resize_bilinear_eval},
#endif
#ifndef TFLM_WITHOUT_RESIZE_NEAREST_NEIGHBOR
    {97, 74, 0, 0, "RESIZE_NEAREST_NEIGHBOR", tflm_resize_nearest_neighbor_prepare,
     tflm_resize_nearest_neighbor_eval},
#endif
#ifndef TFLM_WITHOUT_SLICE
    {65, 0, 0, TFLM_MOVES, "SLICE", tflm_slice_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_SOFTMAX
    {25, 9, 0, 0, "SOFTMAX", tflm_softmax_prepare, tflm_softmax_eval},
#endif
#ifndef TFLM_WITHOUT_SPLIT
    {49, 0, 0, TFLM_MOVES, "SPLIT", tflm_split_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_SPLIT_V
    {102, 79, 0, TFLM_MOVES, "SPLIT_V", tflm_split_v_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_SQUEEZE
    {43, 0, 0, TFLM_MOVES, "SQUEEZE", tflm_reshape_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_STRIDED_SLICE
    {45, 32, 0, TFLM_MOVES, "STRIDED_SLICE", tflm_strided_slice_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_SUB
    {41, 28, 0, 0, "SUB", tflm_sub_prepare, tflm_arithmetic_eval},
#endif
#ifndef TFLM_WITHOUT_SUM
    {74, 27, 0, 0, "SUM", tflm_sum_prepare, tflm_mean_or_sum_eval},
#endif
#ifndef TFLM_WITHOUT_SVDF
    {27, 6, 0, 0, "SVDF", tflm_svdf_prepare, tflm_svdf_eval},
#endif
#ifndef TFLM_WITHOUT_TANH
    {28, 0, 0, 0, "TANH", tflm_tanh_prepare, tflm_table_eval},
#endif
#ifndef TFLM_WITHOUT_TRANSPOSE
    {39, 0, 0, TFLM_MOVES, "TRANSPOSE", tflm_transpose_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_TRANSPOSE_CONV
    {TFLM_CODE_TRANSPOSE_CONV, 49, 0, 0, "TRANSPOSE_CONV", tflm_transpose_conv_prepare,
     tflm_transpose_conv_eval},
#endif
#ifndef TFLM_WITHOUT_UNIDIRECTIONAL_SEQUENCE_LSTM
    {44, 71, 0, 0, "UNIDIRECTIONAL_SEQUENCE_LSTM", tflm_lstm_prepare, tflm_lstm_eval},
#endif
#ifndef TFLM_WITHOUT_UNPACK
    {88, 64, 0, TFLM_MOVES, "UNPACK", tflm_unpack_prepare, tflm_move_eval},
#endif
#ifndef TFLM_WITHOUT_VAR_HANDLE
    {TFLM_CODE_VAR_HANDLE, 111, 1, TFLM_HANDLES, "VAR_HANDLE", tflm_var_handle_prepare, NULL},
#endif
#ifndef TFLM_WITHOUT_FLOAT32
// For float32.
#ifndef TFLM_WITHOUT_ADD
    {0, 11, 0, TFLM_REAL, "ADD", tflm_float_arithmetic_prepare, tflm_float_add_eval},
#endif
#ifndef TFLM_WITHOUT_AVERAGE_POOL_2D
    {1, 5, 0, TFLM_REAL, "AVERAGE_POOL_2D", tflm_float_pool_prepare, tflm_float_average_pool_eval},
#endif
#ifndef TFLM_WITHOUT_BATCH_MATMUL
    {126, 101, 0, TFLM_REAL, "BATCH_MATMUL", tflm_float_batch_matmul_prepare,
     tflm_float_batch_matmul_eval},
#endif
#ifndef TFLM_WITHOUT_CONV_2D
    {3, 1, 0, TFLM_REAL, "CONV_2D", tflm_float_conv_prepare, tflm_float_conv_eval},
#endif
#ifndef TFLM_WITHOUT_DEPTHWISE_CONV_2D
    {4, 2, 0, TFLM_REAL, "DEPTHWISE_CONV_2D", tflm_float_depthwise_conv_prepare,
     tflm_float_conv_eval},
#endif
#ifndef TFLM_WITHOUT_FULLY_CONNECTED
    {9, 8, 0, TFLM_REAL, "FULLY_CONNECTED", tflm_float_fully_connected_prepare,
     tflm_float_fully_connected_eval},
#endif
#ifndef TFLM_WITHOUT_HARD_SWISH
    {117, 0, 0, TFLM_REAL, "HARD_SWISH", tflm_float_unary_prepare, tflm_float_hard_swish_eval},
#endif
#ifndef TFLM_WITHOUT_LEAKY_RELU
    {98, 75, 0, TFLM_REAL, "LEAKY_RELU", tflm_float_leaky_relu_prepare, tflm_float_leaky_relu_eval},
#endif
#ifndef TFLM_WITHOUT_LOGISTIC
    {14, 0, 0, TFLM_REAL, "LOGISTIC", tflm_float_unary_prepare, tflm_float_logistic_eval},
#endif
#ifndef TFLM_WITHOUT_MAXIMUM
    {55, 0, 0, TFLM_REAL, "MAXIMUM", tflm_float_binary_prepare, tflm_float_maximum_eval},
#endif
#ifndef TFLM_WITHOUT_MAX_POOL_2D
    {17, 5, 0, TFLM_REAL, "MAX_POOL_2D", tflm_float_pool_prepare, tflm_float_max_pool_eval},
#endif
#ifndef TFLM_WITHOUT_MEAN
    {40, 27, 0, TFLM_REAL, "MEAN", tflm_float_reduce_prepare, tflm_float_mean_eval},
#endif
#ifndef TFLM_WITHOUT_MINIMUM
    {57, 0, 0, TFLM_REAL, "MINIMUM", tflm_float_binary_prepare, tflm_float_minimum_eval},
#endif
#ifndef TFLM_WITHOUT_MUL
    {18, 21, 0, TFLM_REAL, "MUL", tflm_float_arithmetic_prepare, tflm_float_mul_eval},
#endif
#ifndef TFLM_WITHOUT_PRELU
    {54, 0, 0, TFLM_REAL, "PRELU", tflm_float_binary_prepare, tflm_float_prelu_eval},
#endif
#ifndef TFLM_WITHOUT_REDUCE_MAX
    {82, 27, 0, TFLM_REAL, "REDUCE_MAX", tflm_float_reduce_prepare, tflm_float_reduce_max_eval},
#endif
#ifndef TFLM_WITHOUT_RELU
    {19, 0, 0, TFLM_REAL, "RELU", tflm_float_relu_prepare, tflm_float_clamp_eval},
#endif
#ifndef TFLM_WITHOUT_RELU6
    {21, 0, 0, TFLM_REAL, "RELU6", tflm_float_relu6_prepare, tflm_float_clamp_eval},
#endif
#ifndef TFLM_WITHOUT_SOFTMAX
    {25, 9, 0, TFLM_REAL, "SOFTMAX", tflm_float_softmax_prepare, tflm_float_softmax_eval},
#endif
#ifndef TFLM_WITHOUT_SUB
    {41, 28, 0, TFLM_REAL, "SUB", tflm_float_arithmetic_prepare, tflm_float_sub_eval},
#endif
#ifndef TFLM_WITHOUT_SUM
    {74, 27, 0, TFLM_REAL, "SUM", tflm_float_reduce_prepare, tflm_float_sum_eval},
#endif
#ifndef TFLM_WITHOUT_TANH
    {28, 0, 0, TFLM_REAL, "TANH", tflm_float_unary_prepare, tflm_float_tanh_eval},
#endif
#ifndef TFLM_WITHOUT_TRANSPOSE_CONV
    {TFLM_CODE_TRANSPOSE_CONV, 49, 0, TFLM_REAL, "TRANSPOSE_CONV",
     tflm_float_transpose_conv_prepare, tflm_float_transpose_conv_eval},
#endif
#endif
#ifndef TFLM_WITHOUT_INT16
// For int16.
#ifndef TFLM_WITHOUT_ADD
    {0, 11, 0, TFLM_WIDE, "ADD", tflm_int16_add_prepare, tflm_int16_binary_eval},
#endif
#ifndef TFLM_WITHOUT_AVERAGE_POOL_2D
    {1, 5, 0, TFLM_WIDE, "AVERAGE_POOL_2D", tflm_int16_pool_prepare, tflm_int16_average_pool_eval},
#endif
#ifndef TFLM_WITHOUT_BATCH_MATMUL
    {126, 101, 0, TFLM_WIDE, "BATCH_MATMUL", tflm_batch_matmul_prepare,
     tflm_int16_batch_matmul_eval},
#endif
#ifndef TFLM_WITHOUT_CONV_2D
    {3, 1, 0, TFLM_WIDE, "CONV_2D", tflm_int16_conv_prepare, tflm_int16_conv_eval},
#endif
#ifndef TFLM_WITHOUT_DEPTHWISE_CONV_2D
    {4, 2, 0, TFLM_WIDE, "DEPTHWISE_CONV_2D", tflm_int16_depthwise_conv_prepare,
     tflm_int16_conv_eval},
#endif
#ifndef TFLM_WITHOUT_FULLY_CONNECTED
    {9, 8, 0, TFLM_WIDE, "FULLY_CONNECTED", tflm_int16_fully_connected_prepare,
     tflm_int16_fully_connected_eval},
#endif
#ifndef TFLM_WITHOUT_LEAKY_RELU
    {98, 75, 0, TFLM_WIDE, "LEAKY_RELU", tflm_int16_leaky_relu_prepare, tflm_int16_relu_eval},
#endif
#ifndef TFLM_WITHOUT_LOGISTIC
    {14, 0, 0, TFLM_WIDE, "LOGISTIC", tflm_int16_logistic_prepare, tflm_int16_logistic_eval},
#endif
#ifndef TFLM_WITHOUT_MAX_POOL_2D
    {17, 5, 0, TFLM_WIDE, "MAX_POOL_2D", tflm_int16_pool_prepare, tflm_int16_max_pool_eval},
#endif
#ifndef TFLM_WITHOUT_MEAN
    {40, 27, 0, TFLM_WIDE, "MEAN", tflm_mean_prepare, tflm_int16_mean_or_sum_eval},
#endif
#ifndef TFLM_WITHOUT_MUL
    {18, 21, 0, TFLM_WIDE, "MUL", tflm_int16_mul_prepare, tflm_int16_binary_eval},
#endif
#ifndef TFLM_WITHOUT_RELU
    {19, 0, 0, TFLM_WIDE, "RELU", tflm_int16_relu_prepare, tflm_int16_relu_eval},
#endif
#ifndef TFLM_WITHOUT_RELU6
    {21, 0, 0, TFLM_WIDE, "RELU6", tflm_int16_relu6_prepare, tflm_int16_relu6_eval},
#endif
#ifndef TFLM_WITHOUT_SOFTMAX
    {25, 9, 0, TFLM_WIDE, "SOFTMAX", tflm_int16_softmax_prepare, tflm_int16_softmax_eval},
#endif
#ifndef TFLM_WITHOUT_SUB
    {41, 28, 0, TFLM_WIDE, "SUB", tflm_int16_sub_prepare, tflm_int16_binary_eval},
#endif
#ifndef TFLM_WITHOUT_SUM
    {74, 27, 0, TFLM_WIDE, "SUM", tflm_sum_prepare, tflm_int16_mean_or_sum_eval},
#endif
#ifndef TFLM_WITHOUT_TANH
    {28, 0, 0, TFLM_WIDE, "TANH", tflm_int16_tanh_prepare, tflm_int16_tanh_eval},
#endif
#ifndef TFLM_WITHOUT_TRANSPOSE_CONV
    {TFLM_CODE_TRANSPOSE_CONV, 49, 0, TFLM_WIDE, "TRANSPOSE_CONV",
     tflm_int16_transpose_conv_prepare, tflm_int16_transpose_conv_eval},
#endif
#ifndef TFLM_WITHOUT_UNIDIRECTIONAL_SEQUENCE_LSTM
    {44, 71, 0, TFLM_WIDE, "UNIDIRECTIONAL_SEQUENCE_LSTM", tflm_lstm_prepare, tflm_int16_lstm_eval},
#endif
#endif
#ifndef TFLM_WITHOUT_INT4
// For int8 with weights of int4.
#ifndef TFLM_WITHOUT_CONV_2D
    {3, 1, 0, TFLM_PACKED, "CONV_2D", tflm_int4_conv_prepare, tflm_int4_conv_eval},
#endif
#ifndef TFLM_WITHOUT_DEPTHWISE_CONV_2D
    {4, 2, 0, TFLM_PACKED, "DEPTHWISE_CONV_2D", tflm_int4_depthwise_conv_prepare,
     tflm_int4_conv_eval},
#endif
#ifndef TFLM_WITHOUT_FULLY_CONNECTED
    {9, 8, 0, TFLM_PACKED, "FULLY_CONNECTED", tflm_int4_fully_connected_prepare,
     tflm_int4_fully_connected_eval},
#endif
#endif
};

enum { KERNELS = sizeof kernels / sizeof *kernels };

TFLM_NOINLINE const tflm_kernel_t *tflm_kernel(uint32_t index) {
    return &kernels[index < KERNELS ? index : 0];
}

const tflm_kernel_t *tflm_find_kernel(int32_t code, uint8_t variant) {
    for (const tflm_kernel_t *kernel = kernels; kernel < kernels + KERNELS; kernel++) {
        if (kernel->code == code &&
            (!TFLM_HAS_VARIANTS || (kernel->flags & TFLM_VARIANTS) == variant)) {
            return kernel;
        }
    }
    return NULL;
}

const char *tflm_supported_name(unsigned index) {
    // Variants come last.
    return index < KERNELS && !(kernels[index].flags & TFLM_VARIANTS) ? kernels[index].name : NULL;
}

const char *tflm_operator_name(int32_t code) {
    const tflm_kernel_t *kernel = tflm_find_kernel(code, 0);
    return kernel ? kernel->name : tflm_other_name(code);
}
