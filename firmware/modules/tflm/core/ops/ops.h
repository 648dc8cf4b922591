// SPDX-License-Identifier: Apache-2.0
// What the operators' files need, which have a prepare and an eval each that operators.h lists.
#ifndef TFLM_OPS_H
#define TFLM_OPS_H

#include "../check.h"
#include "../emit.h"
#include "../message.h"
#include "../quantize.h"
#include "../types.h"
#include "operators.h"

#endif
