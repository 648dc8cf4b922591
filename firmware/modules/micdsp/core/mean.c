// SPDX-License-Identifier: Apache-2.0
// The sliding mean of a wake word model's outputs.
#include "micdsp.h"
#include <string.h>

void micdsp_mean_reset(micdsp_mean_t *mean) {
    mean->sum = 0;
    mean->next = mean->heard = 0;
    mean->active = false;
    memset(mean->outputs, 0, sizeof mean->outputs);
}

bool micdsp_mean_push(micdsp_mean_t *mean, uint8_t output) {
    mean->sum += output - mean->outputs[mean->next];
    mean->outputs[mean->next] = output;
    mean->next = (uint8_t)(mean->next + 1 < mean->size ? mean->next + 1 : 0);
    mean->heard = (uint8_t)(mean->heard < mean->size ? mean->heard + 1 : mean->heard);
    bool was_active = mean->active;
    mean->active = mean->heard == mean->size && mean->sum > mean->cutoff_sum;
    return mean->active && !was_active;
}
