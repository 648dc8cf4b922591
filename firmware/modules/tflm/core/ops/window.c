// SPDX-License-Identifier: Apache-2.0
#include "window.h"

tflm_status_t tflm_window_init(tflm_node_t *node, tflm_window_t *window, uint8_t padding) {
    const int32_t max = 1 << 20; // Keeps positions within 32 bits.
    if (window->stride < 1 || window->stride > max || window->dilation < 1 ||
        window->dilation > max || window->taps < 1 || window->taps > max || window->input > max) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "stride %d, dilation %d, %d taps",
                              window->stride, window->dilation, window->taps);
    }
    int64_t extent = (int64_t)(window->taps - 1) * window->dilation + 1;
    int64_t output = padding == 0 ? ((int64_t)window->input + window->stride - 1) / window->stride
                                  : (window->input + window->stride - extent) / window->stride;
    if (padding > 1 || output != window->output) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%d outputs along an axis, not %d",
                              window->output, (int32_t)output);
    }
    int64_t missing = (output - 1) * window->stride + extent - window->input;
    window->padding = missing > 0 ? (int32_t)(missing / 2) : 0;
    if (extent > (int64_t)max * 8) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "dilation %d", window->dilation);
    }
    return TFLM_OK;
}
