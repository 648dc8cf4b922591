// SPDX-License-Identifier: Apache-2.0
// Variables while a model is loaded.
#ifndef TFLM_VARIABLE_H
#define TFLM_VARIABLE_H

#include "../node.h"

// Finds what CALL_ONCE assigns to variables.
tflm_status_t tflm_first_values(tflm_load_t *load);

#endif
