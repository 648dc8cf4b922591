// SPDX-License-Identifier: Apache-2.0
// Looks up the tensors and operators of a loaded model, in the model itself.
#include "model.h"
#include "run.h"

static tflm_status_t describe(const void *model, size_t model_bytes, tflm_which_t which,
                              unsigned index, tflm_tensor_t *tensor) {
    tflm_t scratch;
    tflm_load_t load;
    TRY(tflm_read_model(&load, &scratch, model, model_bytes));
    if (!TFLM_FOR_TOOLS || which != TFLM_TENSOR) {
        index = tflm_io_tensor(&load, which, index);
    }
    return tflm_read_tensor(&load, &load.main, index, tensor);
}

// Returns a tensor's place, or TFLM_PLACE_NONE if it has none.
static uint32_t find_place(const tflm_t *self, const tflm_run_t *run, tflm_which_t which,
                           unsigned index) {
    if (TFLM_FOR_TOOLS && which == TFLM_TENSOR) {
        const tflm_slot_t *slot = (const tflm_slot_t *)(const void *)run->arena + index;
        return slot->next ? slot->bytes : TFLM_PLACE_NONE;
    }
    return self->places[which][index];
}

tflm_status_t tflm_find(const tflm_t *self, const tflm_buffers_t *buffers, tflm_which_t which,
                        unsigned index, tflm_tensor_t *tensor, void **data) {
    tflm_run_t run;
    TRY(tflm_open(self, buffers, &run));
    if (which != TFLM_TENSOR && index >= self->counts[which]) {
        return TFLM_ERROR_MODEL;
    }
    TRY(describe(buffers->model, self->model_bytes, which, index, tensor));
    uint32_t place = find_place(self, &run, which, index);
    *data = NULL;
    if (!TFLM_FOR_TOOLS || place != TFLM_PLACE_NONE) {
        // The model may have changed since it was loaded.
        uint32_t limit = place & TFLM_PLACE_MODEL ? self->model_bytes : self->arena_bytes;
        if ((place & ~TFLM_PLACE_MODEL) + tensor->bytes > limit) {
            return TFLM_ERROR_MOVED;
        }
        *data = tflm_at(&run, place);
    }
    return TFLM_OK;
}

uint8_t *tflm_data(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t place) {
    tflm_run_t run;
    return tflm_open(self, buffers, &run) == TFLM_OK ? tflm_at(&run, place) : NULL;
}

tflm_status_t tflm_operator(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t index,
                            const char **name) {
    tflm_run_t run;
    tflm_t scratch;
    tflm_load_t load;
    TRY(tflm_open(self, buffers, &run));
    TRY(tflm_read_model(&load, &scratch, buffers->model, self->model_bytes));
    *name = NULL;
    if (index < load.main.operators.count) {
        tflm_node_t node;
        TRY(tflm_read_node(&load, &load.main, index, &node));
        *name = tflm_operator_name(node.code);
    }
    return TFLM_OK;
}

#if TFLM_FOR_TOOLS
int32_t tflm_operator_code(const void *model, size_t model_bytes, uint32_t index) {
    tflm_t scratch;
    tflm_load_t load;
    if (!tflm_open_model(&load, &scratch, model, model_bytes)) {
        return -1;
    }
    for (uint32_t i = 0; i < load.graphs.count && tflm_read_graph(&load, i, &load.main); i++) {
        if (index < load.main.operators.count) {
            tflm_node_t node;
            tflm_status_t status = tflm_read_node(&load, &load.main, index, &node);
            return status == TFLM_OK || status == TFLM_ERROR_OPERATOR ? node.code : -1;
        }
        index -= load.main.operators.count;
    }
    return -1;
}

tflm_status_t tflm_describe(const void *model, size_t model_bytes, tflm_which_t which,
                            unsigned index, tflm_tensor_t *tensor) {
    return describe(model, model_bytes, which, index, tensor);
}
#endif
