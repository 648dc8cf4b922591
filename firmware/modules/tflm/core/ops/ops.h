// SPDX-License-Identifier: Apache-2.0
// Every operator has a file here, with a prepare and an eval that kernels.c lists.
#ifndef TFLM_OPS_H
#define TFLM_OPS_H

#include "../load.h"
#include "../quantize.h"

// Cold: compiled for size, in files of fast code, too.
#define TFLM_PREPARE(name)                                                                         \
    __attribute__((cold)) tflm_status_t tflm_##name##_prepare(tflm_node_t *node)
#define TFLM_EVAL(name)                                                                            \
    void tflm_##name##_eval(const tflm_run_t *run, const void *data, uint32_t from, uint32_t to)

TFLM_PREPARE(add);
TFLM_PREPARE(arg_max);
TFLM_PREPARE(assign_variable);
TFLM_PREPARE(batch_matmul);
TFLM_PREPARE(call_once);
TFLM_PREPARE(cast);
TFLM_PREPARE(concatenation);
TFLM_PREPARE(conv);
TFLM_PREPARE(depthwise_conv);
TFLM_PREPARE(dequantize);
TFLM_PREPARE(float_arithmetic);
TFLM_PREPARE(float_batch_matmul);
TFLM_PREPARE(float_binary);
TFLM_PREPARE(float_conv);
TFLM_PREPARE(float_depthwise_conv);
TFLM_PREPARE(float_fully_connected);
TFLM_PREPARE(float_leaky_relu);
TFLM_PREPARE(float_pool);
TFLM_PREPARE(float_reduce);
TFLM_PREPARE(float_relu);
TFLM_PREPARE(float_relu6);
TFLM_PREPARE(float_softmax);
TFLM_PREPARE(float_unary);
TFLM_PREPARE(fully_connected);
TFLM_PREPARE(gather);
TFLM_PREPARE(hard_swish);
TFLM_PREPARE(int16_add);
TFLM_PREPARE(int16_conv);
TFLM_PREPARE(int16_depthwise_conv);
TFLM_PREPARE(int16_fully_connected);
TFLM_PREPARE(int16_leaky_relu);
TFLM_PREPARE(int16_logistic);
TFLM_PREPARE(int16_mul);
TFLM_PREPARE(int16_pool);
TFLM_PREPARE(int16_relu);
TFLM_PREPARE(int16_relu6);
TFLM_PREPARE(int16_softmax);
TFLM_PREPARE(int16_sub);
TFLM_PREPARE(int16_tanh);
TFLM_PREPARE(int4_conv);
TFLM_PREPARE(int4_depthwise_conv);
TFLM_PREPARE(int4_fully_connected);
TFLM_PREPARE(leaky_relu);
TFLM_PREPARE(logistic);
TFLM_PREPARE(lstm);
TFLM_PREPARE(mean);
TFLM_PREPARE(min_max);
TFLM_PREPARE(mul);
TFLM_PREPARE(pack);
TFLM_PREPARE(pad);
TFLM_PREPARE(pad_v2);
TFLM_PREPARE(pool);
TFLM_PREPARE(prelu);
TFLM_PREPARE(quantize);
TFLM_PREPARE(read_variable);
TFLM_PREPARE(reduce_max);
TFLM_PREPARE(relu);
TFLM_PREPARE(relu6);
TFLM_PREPARE(reshape);
TFLM_PREPARE(resize_bilinear);
TFLM_PREPARE(resize_nearest_neighbor);
TFLM_PREPARE(slice);
TFLM_PREPARE(softmax);
TFLM_PREPARE(split);
TFLM_PREPARE(split_v);
TFLM_PREPARE(strided_slice);
TFLM_PREPARE(sub);
TFLM_PREPARE(sum);
TFLM_PREPARE(svdf);
TFLM_PREPARE(tanh);
TFLM_PREPARE(transpose);
TFLM_PREPARE(transpose_conv);
TFLM_PREPARE(unpack);
TFLM_PREPARE(var_handle);

TFLM_EVAL(arg_max);
TFLM_EVAL(arithmetic);
TFLM_EVAL(average_pool);
TFLM_EVAL(batch_matmul);
TFLM_EVAL(cast);
TFLM_EVAL(conv);
TFLM_EVAL(depthwise_conv);
TFLM_EVAL(dequantize);
TFLM_EVAL(float_add);
TFLM_EVAL(float_average_pool);
TFLM_EVAL(float_batch_matmul);
TFLM_EVAL(float_clamp);
TFLM_EVAL(float_conv);
TFLM_EVAL(float_fully_connected);
TFLM_EVAL(float_hard_swish);
TFLM_EVAL(float_leaky_relu);
TFLM_EVAL(float_logistic);
TFLM_EVAL(float_max_pool);
TFLM_EVAL(float_maximum);
TFLM_EVAL(float_mean);
TFLM_EVAL(float_minimum);
TFLM_EVAL(float_mul);
TFLM_EVAL(float_prelu);
TFLM_EVAL(float_reduce_max);
TFLM_EVAL(float_softmax);
TFLM_EVAL(float_sub);
TFLM_EVAL(float_sum);
TFLM_EVAL(float_tanh);
TFLM_EVAL(fully_connected);
TFLM_EVAL(gather);
TFLM_EVAL(int16_average_pool);
TFLM_EVAL(int16_batch_matmul);
TFLM_EVAL(int16_binary);
TFLM_EVAL(int16_conv);
TFLM_EVAL(int16_fully_connected);
TFLM_EVAL(int16_logistic);
TFLM_EVAL(int16_max_pool);
TFLM_EVAL(int16_mean_or_sum);
TFLM_EVAL(int16_relu);
TFLM_EVAL(int16_relu6);
TFLM_EVAL(int16_softmax);
TFLM_EVAL(int16_tanh);
TFLM_EVAL(int4_conv);
TFLM_EVAL(int4_fully_connected);
TFLM_EVAL(logistic);
TFLM_EVAL(lstm);
TFLM_EVAL(max_pool);
TFLM_EVAL(maximum);
TFLM_EVAL(mean_or_sum);
TFLM_EVAL(minimum);
TFLM_EVAL(move);
TFLM_EVAL(prelu);
TFLM_EVAL(quantize);
TFLM_EVAL(reduce_max);
TFLM_EVAL(resize_bilinear);
TFLM_EVAL(resize_nearest_neighbor);
TFLM_EVAL(softmax);
TFLM_EVAL(svdf);
TFLM_EVAL(table);
TFLM_EVAL(transpose_conv);

#endif
