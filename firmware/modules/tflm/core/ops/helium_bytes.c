// SPDX-License-Identifier: Apache-2.0
// Copies and fills for Helium; bytes.c has the reference.
#include "bytes.h"

#ifdef TFLM_HELIUM

#include <arm_mve.h>
#include <stdbool.h>

// The bytes that an iteration of the loops for short runs copies, in four vectors.
enum { TURN_BYTES = 64 };

// Runs are contiguous at one end; at the other, vectors of offsets give the place of each word.
#define COPY_TURNS(load_or_store, to_move, from_move)                                              \
    __asm__ volatile("wls lr, %[turns], 2f\n"                                                      \
                     "1:\n\t" load_or_store to_move from_move "le lr, 1b\n"                        \
                     "2:"                                                                          \
                     : [to] "+r"(to), [from] "+r"(from)                                            \
                     : [turns] "r"(turns), [step] "r"(4 * step), [at0] "w"(at0), [at1] "w"(at1),   \
                       [at2] "w"(at2), [at3] "w"(at3)                                              \
                     : "lr", "q0", "q1", "memory")
#define SCATTER(first, second)                                                                     \
    "vldrb.8 q0, [%[from]], #16\n\t"                                                               \
    "vldrb.8 q1, [%[from]], #16\n\t"                                                               \
    "vstrw.32 q0, [%[to], %q[" first "]]\n\t"                                                      \
    "vstrw.32 q1, [%[to], %q[" second "]]\n\t"
#define GATHER(first, second)                                                                      \
    "vldrw.u32 q0, [%[from], %q[" first "]]\n\t"                                                   \
    "vldrw.u32 q1, [%[from], %q[" second "]]\n\t"                                                  \
    "vstrb.8 q0, [%[to]], #16\n\t"                                                                 \
    "vstrb.8 q1, [%[to]], #16\n\t"

// Copies runs of 4, 8 or 16 bytes in whole iterations; returns how many.
static uint32_t copy_short_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count,
                                int32_t to_step, int32_t from_step) {
    bool gathers = to_step == (int32_t)run;
    uint32_t each = (uint32_t)(gathers ? from_step : to_step);
    uintptr_t apart = gathers ? (uintptr_t)from : (uintptr_t)to;
    if ((run != 4 && run != 8 && run != 16) || (!gathers && from_step != (int32_t)run) ||
        (apart | each) % 4) {
        return 0;
    }
    uint32_t turns = count / (TURN_BYTES / run), step = 16 / run * each, offsets[4];
    for (uint32_t i = 0; i < 4; i++) {
        offsets[i] = 4 * i / run * each + 4 * i % run;
    }
    uint32x4_t at0 = vldrwq_u32(offsets), at1 = vaddq_n_u32(at0, step);
    uint32x4_t at2 = vaddq_n_u32(at1, step), at3 = vaddq_n_u32(at2, step);
    if (gathers) {
        COPY_TURNS(GATHER("at0", "at1") GATHER("at2", "at3"), "", "add %[from], %[step]\n\t");
    } else {
        COPY_TURNS(SCATTER("at0", "at1") SCATTER("at2", "at3"), "add %[to], %[step]\n\t", "");
    }
    return turns * (TURN_BYTES / run);
}

void tflm_copy_runs(int8_t *to, const int8_t *from, uint32_t run, uint32_t count, int32_t to_step,
                    int32_t from_step) {
    for (; run > 16 && count; count--, to += to_step, from += from_step) {
        // As tflm_copy, but most of it 64 bytes at a time.
        const int8_t *at = from;
        int8_t *put = to;
        __asm__ volatile("wls lr, %[turns], 2f\n"
                         "1:\n\t"
                         "vldrb.8 q0, [%[at]], #16\n\t"
                         "vldrb.8 q1, [%[at]], #16\n\t"
                         "vldrb.8 q2, [%[at]], #16\n\t"
                         "vldrb.8 q3, [%[at]], #16\n\t"
                         "vstrb.8 q0, [%[put]], #16\n\t"
                         "vstrb.8 q1, [%[put]], #16\n\t"
                         "vstrb.8 q2, [%[put]], #16\n\t"
                         "vstrb.8 q3, [%[put]], #16\n\t"
                         "le lr, 1b\n"
                         "2:"
                         : [at] "+r"(at), [put] "+r"(put)
                         : [turns] "r"(run / TURN_BYTES)
                         : "lr", "q0", "q1", "q2", "q3", "memory");
        tflm_copy(put, at, run % TURN_BYTES);
    }
    if (!count) {
        return;
    }
    uint32_t copied = copy_short_runs(to, from, run, count, to_step, from_step);
    count -= copied;
    to += (int32_t)copied * to_step;
    from += (int32_t)copied * from_step;
    __asm__ volatile(
        "wls lr, %[count], 2f\n\t"
        "vctp.8 %[run]\n"
        "1:\n\t"
        "vpstt\n\t"
        "vldrbt.8 q0, [%[from]]\n\t"
        "vstrbt.8 q0, [%[to]]\n\t"
        "add %[from], %[from_step]\n\t"
        "add %[to], %[to_step]\n\t"
        "le lr, 1b\n"
        "2:"
        : [to] "+r"(to), [from] "+r"(from)
        : [run] "r"(run), [count] "r"(count), [to_step] "r"(to_step), [from_step] "r"(from_step)
        : "lr", "q0", "cc", "memory");
}

void tflm_fill_runs(int8_t *to, uint32_t pattern, uint32_t run, uint32_t count, int32_t step) {
    for (; count; count--, to += step) {
        int8_t *at = to;
        __asm__ volatile("vdup.32 q0, %[pattern]\n\t"
                         "wlstp.8 lr, %[run], 2f\n"
                         "1:\n\t"
                         "vstrb.8 q0, [%[at]], #16\n\t"
                         "letp lr, 1b\n"
                         "2:"
                         : [at] "+r"(at)
                         : [pattern] "r"(pattern), [run] "r"(run)
                         : "lr", "q0", "memory");
    }
}

// A vector is read before what it overlaps is written.
void tflm_move_down(uint8_t *to, uint32_t distance, size_t bytes) {
    tflm_copy((int8_t *)to, (const int8_t *)to + distance, bytes);
}

#endif
