// SPDX-License-Identifier: Apache-2.0
// A fuzz target that loads, plans and runs what it is given as a model, in buffers of exactly the
// size asked for, so that a sanitizer sees any access beyond them. With -DREPLAY it is a program
// that takes files; of the file after --mutate it runs every truncation, and every flip of one
// byte's bits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tflm.h"

enum { ARENA_MAX = 1 << 22, MACS_MAX = 2000000, SLICES_MAX = 20000 };

static void *allocate(size_t bytes) {
    void *pointer = malloc(bytes);
    if (!pointer) {
        abort();
    }
    return pointer;
}

// Loads a model into an arena that this allocates; returns the status.
static tflm_status_t load(tflm_t *self, tflm_buffers_t *buffers) {
    for (int i = 0; i < 3; i++) {
        tflm_status_t status = tflm_load(self, buffers, 0);
        if (status != TFLM_ERROR_ARENA || self->arena_bytes > ARENA_MAX) {
            return status;
        }
        free(buffers->arena);
        buffers->arena_bytes = self->arena_bytes;
        buffers->arena = allocate(buffers->arena_bytes);
    }
    abort(); // The size that was said to be needed was too small.
}

// Loads into smaller arenas, which must be refused wherever loading notices.
static void load_in_less(const tflm_buffers_t *given) {
    tflm_buffers_t buffers = *given;
    const uint8_t *data = given->model;
    size_t sum = 0;
    for (size_t i = 0; i < given->model_bytes; i++) {
        sum += data[i];
    }
    buffers.arena_bytes = sum % given->arena_bytes;
    buffers.arena = allocate(buffers.arena_bytes);
    tflm_t self;
    if (tflm_load(&self, &buffers, 0) != TFLM_ERROR_ARENA) {
        abort();
    }
    free(buffers.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    uint8_t *data = allocate(size);
    memcpy(data, input, size);
    for (uint32_t i = 0; tflm_operator_code(data, size, i) >= 0 && i < 4096; i++) {
    }
    tflm_t self;
    tflm_buffers_t buffers = {data, size, NULL, 0};
    if (load(&self, &buffers) == TFLM_OK && self.macs <= MACS_MAX) {
        load_in_less(&buffers);
        tflm_tensor_t tensor;
        void *bytes;
        for (unsigned i = 0; i < self.counts[TFLM_INPUT]; i++) {
            if (tflm_find(&self, &buffers, TFLM_INPUT, i, &tensor, &bytes) != TFLM_OK) {
                abort();
            }
            for (uint32_t j = 0; j < tensor.bytes; j++) {
                ((uint8_t *)bytes)[j] = (uint8_t)(j * 37 + i);
            }
        }
        bool done = false;
        for (int i = 0; i < SLICES_MAX && !done; i++) {
            tflm_step(&self, &buffers, 1000, &done);
        }
        if (done) {
            tflm_step(&self, &buffers, TFLM_ALL_MACS, &done);
        }
        volatile uint8_t sum = 0;
        for (unsigned i = 0; i < self.counts[TFLM_OUTPUT]; i++) {
            if (tflm_find(&self, &buffers, TFLM_OUTPUT, i, &tensor, &bytes) != TFLM_OK) {
                abort();
            }
            for (uint32_t j = 0; j < tensor.bytes; j++) {
                sum = (uint8_t)(sum + ((uint8_t *)bytes)[j]);
            }
        }
        tflm_reset(&self, &buffers);
        const char *name;
        for (uint32_t i = 0; tflm_operator(&self, &buffers, i, &name) == TFLM_OK && name; i++) {
        }
    }
    free(buffers.arena);
    free(data);
    return 0;
}

#ifdef REPLAY
static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    uint8_t *data = allocate(1 << 20);
    *size = fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

int main(int count, char **arguments) {
    for (int i = 1; i < count; i++) {
        bool mutate = !strcmp(arguments[i], "--mutate");
        size_t size;
        uint8_t *data = read_file(arguments[mutate ? ++i : i], &size);
        LLVMFuzzerTestOneInput(data, size);
        for (size_t at = 0; mutate && at < size; at++) {
            LLVMFuzzerTestOneInput(data, at);
            // Each bit, all of them, and the extremes.
            static const uint8_t flips[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
            uint8_t kept = data[at];
            for (size_t j = 0; j < sizeof flips; j++) {
                data[at] = kept ^ flips[j];
                LLVMFuzzerTestOneInput(data, size);
            }
            data[at] = 0;
            LLVMFuzzerTestOneInput(data, size);
            data[at] = kept;
        }
        free(data);
    }
    return 0;
}
#endif
