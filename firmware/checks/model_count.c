// SPDX-License-Identifier: Apache-2.0
// Runs on the host: model_count MODEL. One inference takes place in `counted`, for a profiler such
// as valgrind to count; those before it bring the model to where it stays.

#include <stdio.h>
#include <stdlib.h>

#include "tflm.h"

#define WARM_UPS 4

static tflm_t model;
static void *content, *arena;
static size_t content_bytes, arena_bytes;

__attribute__((noinline)) void counted(void) {
    tflm_invoke(&model, content, content_bytes, arena, arena_bytes);
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
    content_bytes = (size_t)ftell(file);
    content = malloc(content_bytes);
    rewind(file);
    if (!content || fread(content, 1, content_bytes, file) != content_bytes) {
        return refuse("the model cannot be read");
    }
    tflm_status_t status;
    while ((status = tflm_load(&model, content, content_bytes, arena, arena_bytes, 0)) ==
           TFLM_ERROR_ARENA) {
        arena_bytes = model.arena_bytes;
        free(arena);
        arena = malloc(arena_bytes);
        if (!arena) {
            return refuse("no memory for the arena");
        }
    }
    if (status != TFLM_OK) {
        return refuse(model.message);
    }
    for (int i = 0; i < WARM_UPS; i++) {
        tflm_invoke(&model, content, content_bytes, arena, arena_bytes);
    }
    counted();
    return 0;
}
