// SPDX-License-Identifier: Apache-2.0
// The table of the operators that this build can run.
#include "kernels.h"

#include <stddef.h>

#include "ops/operators.h"
#include "schema.h"

// Gives 1 if a macro is defined as 1, as -D defines it, else 0.
#define SECOND(a, b, ...) b
#define COMMA_1 0,
#define IS_SET(value) IS_SET_(value)
#define IS_SET_(value) IS_SET__(COMMA_##value)
#define IS_SET__(comma) SECOND(comma 1, 0, 0)

#define VARIANT_INT8 0
#define VARIANT_FLOAT32 TFLM_F32
#define VARIANT_INT16 TFLM_I16
#define VARIANT_INT4 TFLM_I4
#define tflm_none_eval NULL

// A row of the table, unless its operator or its type is left out.
#define KERNEL(name, type, ...)                                                                    \
    CHOOSE(IS_SET(TFLM_WITHOUT_##name), IS_SET(TFLM_WITHOUT_##type))(name, type, __VA_ARGS__)
#define CHOOSE(name, type) CHOOSE_(name, type)
#define CHOOSE_(name, type) KERNEL_##name##type
#define KERNEL_01(...)
#define KERNEL_10(...)
#define KERNEL_11(...)
#define KERNEL_00(name, type, options, slots, flags, prepare, eval)                                \
    {TFLM_CODE_##name,         TFLM_OPTIONS_##options,   slots,                                    \
     VARIANT_##type | (flags), tflm_##prepare##_prepare, tflm_##eval##_eval},

static const tflm_kernel_t kernels[] = {TFLM_OPERATORS(KERNEL)};

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
    return index < KERNELS && !(kernels[index].flags & TFLM_VARIANTS)
               ? tflm_operator_name(kernels[index].code)
               : NULL;
}
