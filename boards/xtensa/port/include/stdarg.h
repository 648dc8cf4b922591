// SPDX-License-Identifier: Apache-2.0
// LLVM 22's va_arg for Xtensa advances four bytes too far at each argument. Its va_start is right
// but for the registers' address, which is that of the first unnamed argument instead of a2's. The
// layout is that of Xtensa's ABI.
#ifndef GLINT_XTENSA_STDARG_H
#define GLINT_XTENSA_STDARG_H

typedef struct {
    char *stack; // 32 bytes before the arguments there.
    char *registers;
    int next; // The bytes of the arguments taken; those in registers count from a2.
} va_list;

enum { VA_REGISTER_BYTES = 24, VA_STACK_BEGIN = 32 };

static inline void *va_next(va_list *list, int bytes, int alignment) {
    int at = (list->next + alignment - 1) & -alignment;
    char *from = list->registers;
    if (at + bytes > VA_REGISTER_BYTES) {
        from = list->stack;
        if (at < VA_STACK_BEGIN) {
            at = VA_STACK_BEGIN;
        }
    }
    list->next = at + bytes;
    return from + at;
}

#define va_start(list, last)                                                                       \
    (__builtin_va_start(*(__builtin_va_list *)&(list), last), (list).registers -= (list).next)
#define va_arg(list, type)                                                                         \
    (*(type *)va_next(&(list), (int)(sizeof(type) + 3) & -4,                                       \
                      _Alignof(type) > 4 ? (int)_Alignof(type) : 4))
#define va_end(list) ((void)(list))
#define va_copy(to, from) ((to) = (from))

#endif
