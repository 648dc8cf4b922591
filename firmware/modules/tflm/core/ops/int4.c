// SPDX-License-Identifier: Apache-2.0
// Unpacks numbers of int4 to int8.
#include "int4.h"

#include <string.h>

#ifndef TFLM_HELIUM

void tflm_unpack_int4(const uint8_t *packed, int8_t *to, uint32_t n) {
    for (int8_t *last = to + n / 8 * 8; to < last; packed += 4, to += 8) {
        uint32_t eight;
        memcpy(&eight, packed, sizeof eight);
        to[0] = (int8_t)((int32_t)(eight << 28) >> 28);
        to[1] = (int8_t)((int32_t)(eight << 24) >> 28);
        to[2] = (int8_t)((int32_t)(eight << 20) >> 28);
        to[3] = (int8_t)((int32_t)(eight << 16) >> 28);
        to[4] = (int8_t)((int32_t)(eight << 12) >> 28);
        to[5] = (int8_t)((int32_t)(eight << 8) >> 28);
        to[6] = (int8_t)((int32_t)(eight << 4) >> 28);
        to[7] = (int8_t)((int32_t)eight >> 28);
    }
    for (uint32_t i = 0; i < n % 8; i++) {
        to[i] = (int8_t)((int32_t)((uint32_t)packed[i / 2] << (i % 2 ? 24 : 28)) >> 28);
    }
}

#endif
