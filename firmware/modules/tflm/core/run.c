// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "load.h"

int32_t tflm_get(const void *data, uint32_t type, uint32_t i) {
    const uint8_t *bytes = data;
    switch (type) {
    case TFLM_INT8:
        return (int8_t)bytes[i];
    case TFLM_UINT8:
    case TFLM_BOOL:
        return bytes[i];
    case TFLM_INT16:
        return tflm_int16(bytes, i);
    default:
        return (int32_t)tflm_load_u32(bytes + 4 * (size_t)i);
    }
}

void tflm_set(void *data, uint32_t type, uint32_t i, int32_t value) {
    switch (type) {
    case TFLM_INT8:
    case TFLM_UINT8:
    case TFLM_BOOL:
        ((uint8_t *)data)[i] = (uint8_t)value;
        break;
    case TFLM_INT16:
        ((int16_t *)data)[i] = (int16_t)value;
        break;
    default:
        ((int32_t *)data)[i] = value;
        break;
    }
}

// Runs at least one row, and then as many as `left` affords.
static bool run_slice(tflm_t *self, const tflm_run_t *run, uint32_t left, bool one_operator) {
    bool unlimited = left == UINT32_MAX;
    bool begun = false;
    while (self->record < self->records_end) {
        const tflm_record_t *record = (const tflm_record_t *)(void *)(run->arena + self->record);
        uint32_t rows = record->rows - self->row;
        if (!unlimited) {
            uint32_t affordable = left / record->cost;
            if (!affordable && begun) {
                return false;
            }
            if (affordable < rows) {
                rows = affordable ? affordable : 1;
            }
            uint64_t spent = (uint64_t)rows * record->cost;
            left = spent < left ? left - (uint32_t)spent : 0;
        }
        const tflm_kernel_t *kernel = tflm_kernel(record->kernel);
        self->code = kernel->code;
        if (record->backwards) {
            for (uint32_t i = 0; i < rows; i++) {
                uint32_t row = record->rows - 1 - (self->row + i);
                kernel->eval(run, record + 1, row, row + 1);
            }
        } else {
            kernel->eval(run, record + 1, self->row, self->row + rows);
        }
        begun = true;
        self->row += rows;
        if (self->row >= record->rows) {
            self->row = 0;
            self->record += record->bytes;
            if (one_operator) {
                break;
            }
        }
    }
    if (self->record < self->records_end) {
        return false;
    }
    self->record = self->records_at;
    return true;
}

tflm_status_t tflm_step(tflm_t *self, const void *model, size_t model_bytes, void *arena,
                        size_t arena_bytes, uint32_t max_macs, bool *done) {
    tflm_run_t run;
    TRY(tflm_open(self, model, model_bytes, arena, arena_bytes, &run));
    *done = run_slice(self, &run, max_macs, false);
    return TFLM_OK;
}

tflm_status_t tflm_run_operator(tflm_t *self, const void *model, size_t model_bytes, void *arena,
                                size_t arena_bytes, bool *done) {
    tflm_run_t run;
    TRY(tflm_open(self, model, model_bytes, arena, arena_bytes, &run));
    *done = run_slice(self, &run, UINT32_MAX, true);
    return TFLM_OK;
}

tflm_status_t tflm_invoke(tflm_t *self, const void *model, size_t model_bytes, void *arena,
                          size_t arena_bytes) {
    bool done;
    return tflm_step(self, model, model_bytes, arena, arena_bytes, UINT32_MAX, &done);
}

tflm_status_t tflm_reset(tflm_t *self, const void *model, size_t model_bytes, void *arena,
                         size_t arena_bytes) {
    tflm_run_t run;
    TRY(tflm_open(self, model, model_bytes, arena, arena_bytes, &run));
    const tflm_state_t *state = (const tflm_state_t *)(void *)(run.arena + self->states_at);
    for (uint32_t i = 0; i < self->states; i++, state++) {
        if (state->source == TFLM_PLACE_NONE) {
            memset(tflm_at(&run, state->place), (int)state->fill, state->bytes);
        } else {
            memcpy(tflm_at(&run, state->place), tflm_at(&run, state->source), state->bytes);
        }
    }
    self->record = self->records_at;
    self->row = 0;
    return TFLM_OK;
}

int32_t tflm_record_code(const tflm_t *self, void *arena, size_t arena_bytes, uint32_t *record) {
    uint8_t *start = (uint8_t *)arena + self->arena_padding;
    if (*record >= self->records_end ||
        arena_bytes < (size_t)self->arena_bytes + self->arena_padding) {
        return -1;
    }
    const tflm_record_t *at = (const tflm_record_t *)(void *)(start + *record);
    *record += at->bytes;
    return tflm_kernel(at->kernel)->code;
}
