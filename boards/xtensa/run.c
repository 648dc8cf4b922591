// SPDX-License-Identifier: Apache-2.0
// Runs the C cores under qemu-xtensa's Linux emulation. Standard input holds a 32-bit length and a
// model of that many bytes, then inputs one after another, whose outputs are written; with length
// 0, 16 kHz samples, whose features are.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "micdsp.h"
#include "tflm.h"

enum { SYSCALL_READ = 12, SYSCALL_WRITE = 13, SYSCALL_EXIT = 118 };
enum {
    MODEL_BYTES_MAX = 512 * 1024,
    ARENA_BYTES = 512 * 1024,
    FEATURE_BYTES = 2 * MICDSP_CHANNELS
};

static uint8_t model[MODEL_BYTES_MAX] __attribute__((aligned(16)));
static uint8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
static micdsp_frontend_t frontend;
static tflm_t runtime;

// Linux on Xtensa: the number in a2, arguments from a6 on.
static long system_call(long number, long first, long second, long third) {
    register long a2 __asm__("a2") = number;
    register long a6 __asm__("a6") = first;
    register long a3 __asm__("a3") = second;
    register long a4 __asm__("a4") = third;
    __asm__ volatile("syscall" : "+r"(a2) : "r"(a6), "r"(a3), "r"(a4) : "memory");
    return a2;
}

static void leave(int status) {
    system_call(SYSCALL_EXIT, status, 0, 0);
}

// Whether so many bytes came; an end before the first is the regular one.
static bool take(void *to, size_t bytes) {
    uint8_t *at = to;
    size_t got = 0;
    while (got < bytes) {
        long n = system_call(SYSCALL_READ, 0, (long)(at + got), (long)(bytes - got));
        if (n <= 0) {
            if (got) {
                leave(3);
            }
            return false;
        }
        got += (size_t)n;
    }
    return true;
}

static void give(const void *from, size_t bytes) {
    const uint8_t *at = from;
    while (bytes) {
        long n = system_call(SYSCALL_WRITE, 1, (long)at, (long)bytes);
        if (n <= 0) {
            leave(4);
        }
        at += n;
        bytes -= (size_t)n;
    }
}

static void run_features(void) {
    int16_t hop[MICDSP_HOP_SAMPLES];
    uint16_t features[MICDSP_CHANNELS];
    micdsp_frontend_reset(&frontend);
    while (take(hop, sizeof hop)) {
        if (micdsp_frontend_process(&frontend, hop, MICDSP_HOP_SAMPLES, features)) {
            give(features, FEATURE_BYTES);
        }
    }
}

static size_t size_of(const tflm_tensor_t *tensor) {
    return (size_t)tensor->elements * tflm_type_bytes(tensor->type);
}

static void run_model(size_t bytes) {
    tflm_tensor_t tensor;
    void *data;
    if (tflm_load(&runtime, model, bytes, arena, sizeof arena, 0) != TFLM_OK) {
        give(runtime.message, sizeof runtime.message);
        leave(5);
    }
    for (;;) {
        for (unsigned i = 0; i < runtime.inputs; i++) {
            tflm_input(&runtime, model, bytes, arena, sizeof arena, i, &tensor, &data);
            if (!take(data, size_of(&tensor))) {
                return;
            }
        }
        if (tflm_invoke(&runtime, model, bytes, arena, sizeof arena) != TFLM_OK) {
            leave(6);
        }
        for (unsigned i = 0; i < runtime.outputs; i++) {
            tflm_output(&runtime, model, bytes, arena, sizeof arena, i, &tensor, &data);
            give(data, size_of(&tensor));
        }
    }
}

void run(void);

void run(void) {
    uint32_t bytes;
    if (!take(&bytes, sizeof bytes) || bytes > sizeof model) {
        leave(2);
    }
    if (bytes == 0) {
        run_features();
    } else if (take(model, bytes)) {
        run_model(bytes);
    }
    leave(0);
}

// What the compiler calls behind one's back; without optimisation, so that it does not find calls
// to themselves in them.
void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
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
    while (bytes--) {
        a[bytes] = b[bytes];
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

// The product of 64-bit integers, from 16-bit pieces: this core has no upper half of a product.
uint64_t __muldi3(uint64_t a, uint64_t b);

uint64_t __muldi3(uint64_t a, uint64_t b) {
    uint32_t a0 = (uint16_t)a, a1 = (uint16_t)(a >> 16), low_a = (uint32_t)a;
    uint32_t b0 = (uint16_t)b, b1 = (uint16_t)(b >> 16), low_b = (uint32_t)b;
    uint32_t low = a0 * b0;
    uint32_t middle = a1 * b0 + (low >> 16); // Fits: 65535 * 65535 + 65535.
    uint32_t other = a0 * b1 + (uint16_t)middle;
    uint32_t high = a1 * b1 + (middle >> 16) + (other >> 16);
    high += low_a * (uint32_t)(b >> 32) + (uint32_t)(a >> 32) * low_b;
    return (uint64_t)high << 32 | (other << 16 | (uint16_t)low);
}
