// SPDX-License-Identifier: Apache-2.0
// System calls of Linux on Xtensa, which qemu-xtensa emulates.
#ifndef GLINT_XTENSA_LINUX_H
#define GLINT_XTENSA_LINUX_H

#include <stddef.h>

enum {
    LINUX_READ = 12,
    LINUX_WRITE = 13,
    LINUX_MPROTECT = 82,
    LINUX_EXIT = 118,
    LINUX_RT_SIGACTION = 226,
    LINUX_READ_WRITE_EXECUTE = 7
};

// The number goes in a2, arguments from a6 on.
static inline long linux_call(long number, long first, long second, long third, long fourth) {
    register long a2 __asm__("a2") = number;
    register long a6 __asm__("a6") = first;
    register long a3 __asm__("a3") = second;
    register long a4 __asm__("a4") = third;
    register long a5 __asm__("a5") = fourth;
    __asm__ volatile("syscall" : "+r"(a2) : "r"(a6), "r"(a3), "r"(a4), "r"(a5) : "memory");
    return a2;
}

static inline void __attribute__((noreturn)) linux_exit(int status) {
    for (;;) {
        linux_call(LINUX_EXIT, status, 0, 0, 0);
    }
}

// Reads `bytes` bytes, or fewer at the end of the file; returns how many.
static inline size_t linux_take(int file, void *to, size_t bytes) {
    char *at = to;
    size_t got = 0;
    while (got < bytes) {
        long n = linux_call(LINUX_READ, file, (long)(at + got), (long)(bytes - got), 0);
        if (n <= 0) {
            break;
        }
        got += (size_t)n;
    }
    return got;
}

static inline void linux_give(int file, const void *from, size_t bytes) {
    const char *at = from;
    while (bytes) {
        long n = linux_call(LINUX_WRITE, file, (long)at, (long)bytes, 0);
        if (n <= 0) {
            linux_exit(4);
        }
        at += n;
        bytes -= (size_t)n;
    }
}

static inline void linux_make_executable(void *pages, size_t bytes) {
    linux_call(LINUX_MPROTECT, (long)pages, (long)bytes, LINUX_READ_WRITE_EXECUTE, 0);
}

#endif
