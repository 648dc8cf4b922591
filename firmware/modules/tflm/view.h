// SPDX-License-Identifier: Apache-2.0
// A part of an input or output, for Python.
#ifndef TFLM_VIEW_H
#define TFLM_VIEW_H

#include "object.h"

// Returns a view of `count` elements from a place on; see tflm_data.
mp_obj_t tflm_view_new(model_obj_t *model, uint32_t place, uint32_t count, tflm_type_t type);

#endif
