// SPDX-License-Identifier: Apache-2.0
// Names of operators, also of those that cannot be run.
#ifndef TFLM_NAMES_H
#define TFLM_NAMES_H

#include <stdint.h>

// The name of any operator; NULL when unknown.
const char *tflm_other_name(int32_t code);

#endif
