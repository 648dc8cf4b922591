// SPDX-License-Identifier: Apache-2.0
// Running a loaded model.
#ifndef TFLM_RUN_H
#define TFLM_RUN_H

#include "record.h"

// Checks that model and arena still have the size and alignment they were loaded with; gives where
// they are.
tflm_status_t tflm_open(const tflm_t *self, const tflm_buffers_t *buffers, tflm_run_t *run);

#endif
