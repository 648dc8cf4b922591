// SPDX-License-Identifier: Apache-2.0
// For windowed registers: see windows.s.
#ifndef GLINT_XTENSA_SETJMP_H
#define GLINT_XTENSA_SETJMP_H

typedef unsigned jmp_buf[10];

int setjmp(jmp_buf environment) __attribute__((returns_twice));
void longjmp(jmp_buf environment, int value) __attribute__((noreturn));

#endif
