// SPDX-License-Identifier: Apache-2.0
// Elements of tensors by their type: size, name, range, reading and writing.
#include "types.h"

static const struct {
    uint8_t type, bytes;
    char name[9];
} types[] = {
    {TFLM_INT8, 1, "int8"},   {TFLM_INT32, 4, "int32"}, {TFLM_FLOAT32, 4, "float32"},
    {TFLM_INT16, 2, "int16"}, {TFLM_UINT8, 1, "uint8"}, {TFLM_BOOL, 1, "bool"},
    {TFLM_INT64, 8, "int64"}, {TFLM_INT4, 0, "int4"},   {TFLM_RESOURCE, 0, "resource"},
    {0, 0, "other"},
};

static uint32_t find_type(tflm_type_t type) {
    uint32_t i = 0;
    while (i + 1 < sizeof types / sizeof *types && types[i].type != type) {
        i++;
    }
    return i;
}

unsigned tflm_type_bytes(tflm_type_t type) {
    return types[find_type(type)].bytes;
}

const char *tflm_type_name(tflm_type_t type) {
    return types[find_type(type)].name;
}

void tflm_type_range(tflm_type_t type, int32_t *low, int32_t *high) {
    uint32_t largest = type == TFLM_INT8 || type == TFLM_UINT8 ? 255
                       : type == TFLM_INT16                    ? 65535
                                                               : UINT32_MAX;
    *low = type == TFLM_UINT8 ? 0 : ~(int32_t)(largest >> 1);
    *high = (int32_t)((uint32_t)*low + largest);
}

int32_t tflm_get(const void *data, uint32_t type, uint32_t i) {
    const uint8_t *bytes = data;
    switch (type) {
    case TFLM_INT8:
        return (int8_t)bytes[i];
    case TFLM_UINT8:
    case TFLM_BOOL:
        return bytes[i];
    case TFLM_INT16:
        return tflm_int16(bytes, i);
    default:
        return (int32_t)tflm_load_u32(bytes + 4 * (size_t)i);
    }
}

void tflm_set(void *data, uint32_t type, uint32_t i, int32_t value) {
    switch (type) {
    case TFLM_INT8:
    case TFLM_UINT8:
    case TFLM_BOOL:
        ((uint8_t *)data)[i] = (uint8_t)value;
        break;
    case TFLM_INT16:
        ((int16_t *)data)[i] = (int16_t)value;
        break;
    default:
        ((int32_t *)data)[i] = value;
        break;
    }
}
