// SPDX-License-Identifier: Apache-2.0
// Runs a loaded model, whole or in slices.
#include "run.h"

#include <string.h>

#include "kernels.h"
#include "node.h"

// The cost of calling an operator, in the unit of a row's cost.
enum { CALL_COST = 128 };

tflm_status_t tflm_open(const tflm_t *self, const tflm_buffers_t *buffers, tflm_run_t *run) {
    uint32_t padding = tflm_padding(buffers->arena);
    if (buffers->model_bytes < self->model_bytes || padding != self->arena_padding ||
        buffers->arena_bytes < (size_t)self->arena_bytes + padding) {
        return TFLM_ERROR_MOVED;
    }
    run->model = buffers->model;
    run->arena = (uint8_t *)buffers->arena + padding;
    return TFLM_OK;
}

tflm_status_t tflm_step(tflm_t *self, const tflm_buffers_t *buffers, uint32_t left, bool *done) {
    tflm_run_t run;
    TRY(tflm_open(self, buffers, &run));
    bool limited = left != TFLM_ALL_MACS && left != TFLM_ONE_OPERATOR;
    bool one_operator = left == TFLM_ONE_OPERATOR, begun = false;
    *done = false;
    while (self->record < self->records_end) {
        const tflm_record_t *record = (const tflm_record_t *)(void *)(run.arena + self->record);
        uint32_t row = self->row, rows = record->rows - row;
        if (record->backwards) {
            row = rows - 1;
            rows = 1;
        }
        if (limited) {
            uint32_t affordable = left / record->cost;
            if (!affordable) {
                if (begun) {
                    return TFLM_OK;
                }
                affordable = 1;
            }
            rows = affordable < rows ? affordable : rows;
            uint32_t spent = rows * record->cost + CALL_COST;
            left = spent < left ? left - spent : 0;
        }
        begun = true;
        const tflm_kernel_t *kernel = tflm_kernel(record->kernel);
        self->code = kernel->code;
        kernel->eval(&run, record + 1, row, row + rows);
        self->row += rows;
        if (self->row >= record->rows) {
            self->row = 0;
            self->record += record->bytes;
            if (one_operator) {
                break;
            }
        }
    }
    if (self->record >= self->records_end) {
        self->record = self->records_at;
        *done = true;
    }
    return TFLM_OK;
}

tflm_status_t tflm_reset(tflm_t *self, const tflm_buffers_t *buffers) {
    tflm_run_t run;
    TRY(tflm_open(self, buffers, &run));
    const tflm_state_t *state = (const tflm_state_t *)(void *)(run.arena + self->states_at);
    for (uint32_t i = 0; i < self->states; i++, state++) {
        uint8_t *to = tflm_at(&run, state->place);
        if (state->start & TFLM_PLACE_MODEL) {
            memcpy(to, tflm_at(&run, state->start), state->bytes);
        } else {
            memset(to, (int)state->start, state->bytes);
        }
    }
    self->record = self->records_at;
    self->row = 0;
    return TFLM_OK;
}

#if TFLM_FOR_TOOLS
int32_t tflm_record_code(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t *record) {
    tflm_run_t run;
    if (tflm_open(self, buffers, &run) != TFLM_OK || *record >= self->records_end) {
        return -1;
    }
    const tflm_record_t *at = (const tflm_record_t *)(void *)(run.arena + *record);
    *record += at->bytes;
    return tflm_kernel(at->kernel)->code;
}
#endif
