// SPDX-License-Identifier: Apache-2.0
// Runs the model runtime in qemu-xtensa's emulation of Linux, where its instructions are counted.
// Standard input holds the CONFIGID0 of the chip to emulate, a 32-bit length and a model of that
// many bytes, then inputs one after another. Standard error says how many instructions of the
// vector unit the counter did not see.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "linux.h"
#include "port/lacking.h"
#include "tflm.h"

enum { MODEL_BYTES_MAX = 512 * 1024, ARENA_BYTES = 512 * 1024 };

static uint8_t model[MODEL_BYTES_MAX] __attribute__((aligned(16)));
static uint8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
static tflm_t runtime;

// Returns whether so many bytes came; the input may end only before the first of them.
static bool take(void *to, size_t bytes) {
    size_t got = linux_take(0, to, bytes);
    if (got && got < bytes) {
        linux_exit(3);
    }
    return got == bytes;
}

static size_t size_of(const tflm_tensor_t *tensor) {
    return (size_t)tensor->elements * tflm_type_bytes(tensor->type);
}

static void run_model(size_t bytes) {
    tflm_tensor_t tensor;
    void *data;
    bool done;
    const tflm_buffers_t buffers = {model, bytes, arena, sizeof arena};
    if (tflm_load(&runtime, &buffers, 0) != TFLM_OK) {
        linux_give(2, runtime.message, strlen(runtime.message));
        linux_exit(5);
    }
    for (;;) {
        for (unsigned i = 0; i < runtime.counts[TFLM_INPUT]; i++) {
            tflm_find(&runtime, &buffers, TFLM_INPUT, i, &tensor, &data);
            if (!take(data, size_of(&tensor))) {
                return;
            }
        }
        if (tflm_step(&runtime, &buffers, TFLM_ALL_MACS, &done) != TFLM_OK) {
            linux_exit(6);
        }
    }
}

void run(void);

void run(void) {
    uint32_t identity, bytes;
    if (!take(&identity, sizeof identity)) {
        linux_exit(2);
    }
    lacking_enable(identity);
    if (!take(&bytes, sizeof bytes) || bytes > sizeof model || !take(model, bytes)) {
        linux_exit(2);
    }
    run_model(bytes);
    lacking_tell();
    linux_exit(0);
}

// memcpy and its like, which the compiler may call by itself. They move words where both sides are
// aligned, as newlib of the chips' C library does (newlib/libc/string/memmove.c). Pointers are
// volatile so that the compiler does not turn these functions into calls to themselves.
static bool aligned(const void *to, const void *from) {
    return (((uintptr_t)to | (uintptr_t)from) & 3) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    size_t i = 0;
    for (; aligned(to, from) && i + 4 <= bytes; i += 4) {
        *(volatile uint32_t *)((uint8_t *)to + i) = *(const uint32_t *)((const uint8_t *)from + i);
    }
    for (; i < bytes; i++) {
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
    volatile uint8_t *a = to;
    const uint8_t *b = from;
    if (to < from) {
        return memcpy(to, from, bytes);
    }
    while (bytes && (!aligned(to, from) || bytes % 4)) {
        bytes--;
        a[bytes] = b[bytes];
    }
    for (; bytes; bytes -= 4) {
        *(volatile uint32_t *)(a + bytes - 4) = *(const uint32_t *)(b + bytes - 4);
    }
    return to;
}

void *memset(void *to, int value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        ((volatile uint8_t *)to)[i] = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes) {
    const uint8_t *p = a, *q = b;
    for (; bytes; bytes--, p++, q++) {
        if (*p != *q) {
            return *p < *q ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *string) {
    size_t length = 0;
    while (((const volatile char *)string)[length]) {
        length++;
    }
    return length;
}
