// SPDX-License-Identifier: Apache-2.0
// Included by the operators' files. Each defines a prepare and an eval, which operators.h lists.
#ifndef TFLM_OPS_H
#define TFLM_OPS_H

#include "../check.h"
#include "../emit.h"
#include "../message.h"
#include "../quantize.h"
#include "../types.h"
#include "operators.h"

#endif
