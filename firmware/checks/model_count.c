// SPDX-License-Identifier: Apache-2.0
// Runs on the host: model_count MODEL. One inference takes place in `counted`, for a profiler such
// as valgrind to count; those before it bring the model to where it stays.

#include <stdio.h>
#include <stdlib.h>

#include "tflm.h"

#define WARM_UPS 4

static tflm_t model;
static tflm_buffers_t buffers;

static void infer(void) {
    bool done;
    tflm_step(&model, &buffers, TFLM_ALL_MACS, &done);
}

__attribute__((noinline)) void counted(void) {
    infer();
}

static int refuse(const char *why) {
    fprintf(stderr, "%s\n", why);
    return 1;
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file || fseek(file, 0, SEEK_END)) {
        return refuse("no model that can be read");
    }
    buffers.model_bytes = (size_t)ftell(file);
    void *content = malloc(buffers.model_bytes);
    buffers.model = content;
    rewind(file);
    if (!content || fread(content, 1, buffers.model_bytes, file) != buffers.model_bytes) {
        return refuse("the model cannot be read");
    }
    tflm_status_t status;
    while ((status = tflm_load(&model, &buffers, 0)) == TFLM_ERROR_ARENA) {
        free(buffers.arena);
        buffers.arena_bytes = model.arena_bytes;
        buffers.arena = malloc(buffers.arena_bytes);
        if (!buffers.arena) {
            return refuse("no memory for the arena");
        }
    }
    if (status != TFLM_OK) {
        return refuse(model.message);
    }
    for (int i = 0; i < WARM_UPS; i++) {
        infer();
    }
    counted();
    return 0;
}
