// SPDX-License-Identifier: Apache-2.0
// The work for every hop: Listener, and a Spotter for each wake word.
//
// A spotter runs its model through Python's calling convention: it is given a bound method, and the
// buffers of the model's input and output. So this module and the model's know nothing of each
// other, whether built in or native, and neither keeps a pointer into the other's memory: buffers
// are asked for on every call.
#ifndef MICDSP_LISTENER_H
#define MICDSP_LISTENER_H

#if !MICROPY_ENABLE_DYNRUNTIME
#include "py/runtime.h"
#endif

#include "micdsp.h"

typedef struct {
    mp_obj_base_t base;
    mp_obj_t invoke, input, output;
    uint32_t row; // the row of the input where the next features belong
    float ratio;
    int8_t zero_point;
    bool inferred, began;
    micdsp_mean_t mean;
} spotter_obj_t;

// Takes a hop's features; returns whether the word begins. Raises what the model raises.
bool micdsp_spotter_push(spotter_obj_t *self, const void *features);

// Raises ValueError unless `right`.
void micdsp_require(bool right, const char *message);

#if MICROPY_ENABLE_DYNRUNTIME
extern mp_obj_full_type_t micdsp_spotter_type, micdsp_listener_type;
#else
extern const mp_obj_type_t micdsp_spotter_type, micdsp_listener_type;
#endif

// 40 / 1024: pymicro-features scales its uint16 features by this before a model quantizes them.
#define FEATURE_SCALE 0.0390625f

#endif
