// SPDX-License-Identifier: Apache-2.0
// The operators that can be run: name, type of the activations (INT4: of the weights), options
// table, slots and flags of the kernel, and the names of its functions prepare and eval without
// tflm_. They are sorted by name; those for other types than int8 follow.
//
// -DTFLM_WITHOUT_NAME leaves an operator out, -DTFLM_WITHOUT_FLOAT32 and its like a type. The
// linker then drops the code, as nothing refers to it (link with -ffunction-sections and
// --gc-sections).
#ifndef TFLM_OPERATORS_H
#define TFLM_OPERATORS_H

#include "../node.h"

// clang-format off
#define TFLM_OPERATORS(ROW)                                                                        \
    ROW(ADD, INT8, ADD, 0, 0, add, sum)                                                            \
    ROW(ARG_MAX, INT8, NONE, 0, 0, arg_max, arg_max)                                               \
    ROW(ASSIGN_VARIABLE, INT8, NONE, 0, TFLM_ASSIGNS, assign_variable, move)                       \
    ROW(AVERAGE_POOL_2D, INT8, POOL_2D, 0, 0, pool, average_pool)                                  \
    ROW(BATCH_MATMUL, INT8, BATCH_MATMUL, 1, 0, batch_matmul, batch_matmul)                        \
    ROW(CALL_ONCE, INT8, CALL_ONCE, 0, 0, call_once, none)                                         \
    ROW(CAST, INT8, CAST, 0, 0, cast, cast)                                                        \
    ROW(CONCATENATION, INT8, CONCATENATION, 0, TFLM_MOVES, concatenation, move)                    \
    ROW(CONV_2D, INT8, CONV_2D, 1, 0, conv, conv)                                                  \
    ROW(DEPTHWISE_CONV_2D, INT8, DEPTHWISE_CONV_2D, 0, 0, depthwise_conv, depthwise_conv)          \
    ROW(DEQUANTIZE, INT8, NONE, 0, 0, dequantize, dequantize)                                      \
    ROW(EXPAND_DIMS, INT8, NONE, 0, TFLM_MOVES, reshape, move)                                     \
    ROW(FULLY_CONNECTED, INT8, FULLY_CONNECTED, 0, 0, fully_connected, fully_connected)            \
    ROW(GATHER, INT8, GATHER, 0, 0, gather, gather)                                                \
    ROW(HARD_SWISH, INT8, NONE, 0, 0, hard_swish, table)                                           \
    ROW(LEAKY_RELU, INT8, LEAKY_RELU, 0, 0, leaky_relu, table)                                     \
    ROW(LOGISTIC, INT8, NONE, 0, 0, logistic, table)                                               \
    ROW(MAXIMUM, INT8, NONE, 0, 0, min_max, maximum)                                               \
    ROW(MAX_POOL_2D, INT8, POOL_2D, 0, 0, pool, max_pool)                                          \
    ROW(MEAN, INT8, REDUCER, 0, 0, mean, mean_or_sum)                                              \
    ROW(MINIMUM, INT8, NONE, 0, 0, min_max, minimum)                                               \
    ROW(MUL, INT8, MUL, 0, 0, mul, product)                                                        \
    ROW(PACK, INT8, PACK, 0, TFLM_MOVES, pack, move)                                               \
    ROW(PAD, INT8, NONE, 0, 0, pad, move)                                                          \
    ROW(PADV2, INT8, NONE, 0, 0, pad_v2, move)                                                     \
    ROW(PRELU, INT8, NONE, 0, 0, prelu, prelu)                                                     \
    ROW(QUANTIZE, INT8, NONE, 0, 0, quantize, quantize)                                            \
    ROW(READ_VARIABLE, INT8, NONE, 0, TFLM_READS, read_variable, move)                             \
    ROW(REDUCE_MAX, INT8, REDUCER, 0, 0, reduce_max, reduce_max)                                   \
    ROW(RELU, INT8, NONE, 0, 0, relu, table)                                                       \
    ROW(RELU6, INT8, NONE, 0, 0, relu6, table)                                                     \
    ROW(RESHAPE, INT8, NONE, 0, TFLM_MOVES, reshape, move)                                         \
    ROW(RESIZE_BILINEAR, INT8, RESIZE_BILINEAR, 0, 0, resize_bilinear, resize_bilinear)            \
    ROW(RESIZE_NEAREST_NEIGHBOR, INT8, RESIZE_NEAREST_NEIGHBOR, 0, 0, resize_nearest_neighbor, resize_nearest_neighbor) \
    ROW(SLICE, INT8, NONE, 0, TFLM_MOVES, slice, move)                                             \
    ROW(SOFTMAX, INT8, SOFTMAX, 0, 0, softmax, softmax)                                            \
    ROW(SPLIT, INT8, NONE, 0, TFLM_MOVES, split, move)                                             \
    ROW(SPLIT_V, INT8, SPLIT_V, 0, TFLM_MOVES, split_v, move)                                      \
    ROW(SQUEEZE, INT8, NONE, 0, TFLM_MOVES, reshape, move)                                         \
    ROW(STRIDED_SLICE, INT8, STRIDED_SLICE, 0, TFLM_MOVES, strided_slice, move)                    \
    ROW(SUB, INT8, SUB, 0, 0, sub, sum)                                                            \
    ROW(SUM, INT8, REDUCER, 0, 0, sum, mean_or_sum)                                                \
    ROW(SVDF, INT8, SVDF, 0, 0, svdf, svdf)                                                        \
    ROW(TANH, INT8, NONE, 0, 0, tanh, table)                                                       \
    ROW(TRANSPOSE, INT8, NONE, 0, TFLM_MOVES, transpose, move)                                     \
    ROW(TRANSPOSE_CONV, INT8, TRANSPOSE_CONV, 1, TFLM_LATE_INPUT, transpose_conv, transpose_conv)  \
    ROW(UNIDIRECTIONAL_SEQUENCE_LSTM, INT8, UNIDIRECTIONAL_SEQUENCE_LSTM, 0, 0, lstm, lstm)        \
    ROW(UNPACK, INT8, UNPACK, 0, TFLM_MOVES, unpack, move)                                         \
    ROW(VAR_HANDLE, INT8, VAR_HANDLE, 1, TFLM_HANDLES, var_handle, none)                           \
    ROW(ADD, FLOAT32, ADD, 0, 0, float_arithmetic, float_add)                                      \
    ROW(AVERAGE_POOL_2D, FLOAT32, POOL_2D, 0, 0, float_pool, float_average_pool)                   \
    ROW(BATCH_MATMUL, FLOAT32, BATCH_MATMUL, 0, 0, float_batch_matmul, float_batch_matmul)         \
    ROW(CONV_2D, FLOAT32, CONV_2D, 0, 0, float_conv, float_conv)                                   \
    ROW(DEPTHWISE_CONV_2D, FLOAT32, DEPTHWISE_CONV_2D, 0, 0, float_depthwise_conv, float_conv)     \
    ROW(FULLY_CONNECTED, FLOAT32, FULLY_CONNECTED, 0, 0, float_fully_connected, float_fully_connected) \
    ROW(HARD_SWISH, FLOAT32, NONE, 0, 0, float_unary, float_hard_swish)                            \
    ROW(LEAKY_RELU, FLOAT32, LEAKY_RELU, 0, 0, float_leaky_relu, float_leaky_relu)                 \
    ROW(LOGISTIC, FLOAT32, NONE, 0, 0, float_unary, float_logistic)                                \
    ROW(MAXIMUM, FLOAT32, NONE, 0, 0, float_binary, float_maximum)                                 \
    ROW(MAX_POOL_2D, FLOAT32, POOL_2D, 0, 0, float_pool, float_max_pool)                           \
    ROW(MEAN, FLOAT32, REDUCER, 0, 0, float_reduce, float_mean)                                    \
    ROW(MINIMUM, FLOAT32, NONE, 0, 0, float_binary, float_minimum)                                 \
    ROW(MUL, FLOAT32, MUL, 0, 0, float_arithmetic, float_mul)                                      \
    ROW(PRELU, FLOAT32, NONE, 0, 0, float_binary, float_prelu)                                     \
    ROW(REDUCE_MAX, FLOAT32, REDUCER, 0, 0, float_reduce, float_reduce_max)                        \
    ROW(RELU, FLOAT32, NONE, 0, 0, float_relu, float_clamp)                                        \
    ROW(RELU6, FLOAT32, NONE, 0, 0, float_relu6, float_clamp)                                      \
    ROW(SOFTMAX, FLOAT32, SOFTMAX, 0, 0, float_softmax, float_softmax)                             \
    ROW(SUB, FLOAT32, SUB, 0, 0, float_arithmetic, float_sub)                                      \
    ROW(SUM, FLOAT32, REDUCER, 0, 0, float_reduce, float_sum)                                      \
    ROW(TANH, FLOAT32, NONE, 0, 0, float_unary, float_tanh)                                        \
    ROW(TRANSPOSE_CONV, FLOAT32, TRANSPOSE_CONV, 0, TFLM_LATE_INPUT, float_transpose_conv, float_transpose_conv) \
    ROW(ADD, INT16, ADD, 0, 0, add, int16_sum)                                                     \
    ROW(AVERAGE_POOL_2D, INT16, POOL_2D, 0, 0, pool, int16_average_pool)                           \
    ROW(BATCH_MATMUL, INT16, BATCH_MATMUL, 0, 0, batch_matmul, int16_batch_matmul)                 \
    ROW(CONV_2D, INT16, CONV_2D, 1, 0, int16_conv, int16_conv)                                     \
    ROW(DEPTHWISE_CONV_2D, INT16, DEPTHWISE_CONV_2D, 0, 0, int16_depthwise_conv, int16_depthwise_conv) \
    ROW(FULLY_CONNECTED, INT16, FULLY_CONNECTED, 0, 0, int16_fully_connected, int16_fully_connected) \
    ROW(LEAKY_RELU, INT16, LEAKY_RELU, 0, 0, int16_leaky_relu, int16_relu)                         \
    ROW(LOGISTIC, INT16, NONE, 0, 0, int16_logistic, int16_logistic)                               \
    ROW(MAX_POOL_2D, INT16, POOL_2D, 0, 0, pool, int16_max_pool)                                   \
    ROW(MEAN, INT16, REDUCER, 0, 0, mean, int16_mean_or_sum)                                       \
    ROW(MUL, INT16, MUL, 0, 0, mul, int16_product)                                                 \
    ROW(RELU, INT16, NONE, 0, 0, int16_relu, int16_relu)                                           \
    ROW(RELU6, INT16, NONE, 0, 0, int16_relu6, int16_relu6)                                        \
    ROW(SOFTMAX, INT16, SOFTMAX, 0, 0, int16_softmax, int16_softmax)                               \
    ROW(SUB, INT16, SUB, 0, 0, sub, int16_sum)                                                     \
    ROW(SUM, INT16, REDUCER, 0, 0, sum, int16_mean_or_sum)                                         \
    ROW(TANH, INT16, NONE, 0, 0, int16_tanh, int16_tanh)                                           \
    ROW(TRANSPOSE_CONV, INT16, TRANSPOSE_CONV, 0, TFLM_LATE_INPUT, int16_transpose_conv, int16_transpose_conv) \
    ROW(UNIDIRECTIONAL_SEQUENCE_LSTM, INT16, UNIDIRECTIONAL_SEQUENCE_LSTM, 0, 0, lstm, int16_lstm) \
    ROW(CONV_2D, INT4, CONV_2D, 2, 0, int4, int4)                                                  \
    ROW(DEPTHWISE_CONV_2D, INT4, DEPTHWISE_CONV_2D, 1, 0, int4, int4)                              \
    ROW(FULLY_CONNECTED, INT4, FULLY_CONNECTED, 1, 0, int4, int4)
// clang-format on

#define TFLM_PREPARE(name) TFLM_COLD tflm_status_t tflm_##name##_prepare(tflm_node_t *node)
#define TFLM_EVAL(name)                                                                            \
    void tflm_##name##_eval(const tflm_run_t *run, const void *data, uint32_t from, uint32_t to)

#define TFLM_DECLARE(name, type, options, slots, flags, prepare, eval)                             \
    TFLM_PREPARE(prepare);                                                                         \
    TFLM_EVAL(eval);
TFLM_OPERATORS(TFLM_DECLARE)
#undef TFLM_DECLARE

#endif
