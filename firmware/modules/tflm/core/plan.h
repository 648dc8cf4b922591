// SPDX-License-Identifier: Apache-2.0
// The memory plan.
#ifndef TFLM_PLAN_H
#define TFLM_PLAN_H

#include "node.h"

// Gives each root its place from `base` on; returns the end.
uint32_t tflm_plan(tflm_load_t *load, uint32_t base);

#endif
