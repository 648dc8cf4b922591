// SPDX-License-Identifier: Apache-2.0
// Operators that only move elements: their records, and how they run.
#include "move.h"

#include <string.h>

#include "../share.h"
#include "bytes.h"

// The bytes of a run that are copied without interruption, and those that a round counts for at
// most when it is too long for any slice.
enum { RUN_PART = 1 << 14, ROUND_MAX = 1 << 24 };

// One loop around the ones after it; the innermost copies a run of bytes.
typedef struct {
    uint32_t count;
    int32_t to_step, from_step; // in bytes
} level_t;

typedef struct {
    uint32_t to, from; // Places.
    uint32_t to_offset, from_offset;
    uint32_t run; // in bytes
    uint32_t levels;
    // If not 0, the value fills the gaps between runs.
    uint32_t fill_bytes;
    uint32_t fill;   // Four bytes of elements with that value.
    level_t level[]; // Outermost first.
} move_t;

void tflm_steps(const tflm_tensor_t *tensor, int32_t *steps) {
    int32_t step = 1;
    for (uint32_t i = tensor->rank; i-- > 0;) {
        steps[i] = step;
        step *= tensor->dims[i];
    }
}

void tflm_box(const tflm_tensor_t *tensor, tflm_box_t *box) {
    memset(box, 0, sizeof *box);
    box->rank = tensor->rank;
    memcpy(box->dims, tensor->dims, sizeof box->dims);
    tflm_steps(tensor, box->to_steps);
    tflm_steps(tensor, box->from_steps);
}

tflm_status_t tflm_emit_move(tflm_node_t *node, uint32_t to, uint32_t from, const tflm_box_t *box,
                             uint32_t element_bytes) {
    return tflm_emit_filled_move(node, to, from, box, element_bytes, 0, 0);
}

tflm_status_t tflm_emit_filled_move(tflm_node_t *node, uint32_t to, uint32_t from,
                                    const tflm_box_t *box, uint32_t element_bytes,
                                    uint32_t fill_elements, int32_t fill) {
    // From the innermost dimension on, merges loops that continue each other. The first becomes the
    // run, of elements that are contiguous at both ends.
    level_t level[TFLM_MAX_RANK + 1], *inner = level;
    inner->count = 1;
    inner->to_step = inner->from_step = 1;
    uint32_t total = element_bytes; // At most a tensor's elements: less than 2^31.
    for (uint32_t i = box->rank; i-- > 0;) {
        uint32_t count = (uint32_t)box->dims[i];
        int32_t to_step = box->to_steps[i], from_step = box->from_steps[i];
        total *= count;
        if (count == 1) {
            continue;
        }
        if ((uint32_t)to_step == (uint32_t)inner->to_step * inner->count &&
            (uint32_t)from_step == (uint32_t)inner->from_step * inner->count) {
            inner->count *= count;
        } else {
            inner++;
            inner->count = count;
            inner->to_step = to_step;
            inner->from_step = from_step;
        }
    }
    uint32_t levels = (uint32_t)(inner - level);
    uint32_t to_offset = (uint32_t)box->to_offset * element_bytes;
    uint32_t from_offset = (uint32_t)box->from_offset * element_bytes;
    if (!levels && !fill_elements) {
        if (node->planning) {
            tflm_share(node, to, to_offset, from, from_offset, total);
        } else if (tflm_in_place(node->load, to, to_offset, from, from_offset)) {
            return TFLM_OK;
        }
    }
    if (node->planning) {
        return TFLM_OK;
    }
    // It can be interrupted between rounds of the outermost loop, or between parts of a single run.
    uint32_t bytes = level->count * element_bytes;
    if (fill_elements && !levels) {
        (++inner)->count = 1;
        inner->to_step = inner->from_step = 0;
        levels = 1;
    }
    node->rows = inner->count;
    node->cost = RUN_PART / 4;
    if (levels) {
        uint32_t round = (fill_elements ? fill_elements * element_bytes : total) / node->rows;
        round = round < ROUND_MAX ? round : ROUND_MAX;
        node->cost = (fill_elements ? total / node->rows / bytes : round / bytes) * 26 + round;
    } else {
        node->rows = (bytes + RUN_PART - 1) / RUN_PART;
    }
    move_t *move = tflm_node_data(node, 2, sizeof *move + levels * sizeof *level);
    if (!move) {
        return TFLM_OK;
    }
    move->to = to;
    move->from = from;
    move->to_offset = to_offset;
    move->from_offset = from_offset;
    move->run = bytes;
    move->levels = levels;
    move->fill_bytes = fill_elements * element_bytes;
    move->fill = element_bytes == 1   ? (uint8_t)fill * 0x01010101u
                 : element_bytes == 2 ? (uint16_t)fill * 0x00010001u
                                      : (uint32_t)fill;
    for (uint32_t i = 0; i < levels; i++) {
        level_t *outer = &move->level[i];
        *outer = *inner--;
        outer->to_step *= (int32_t)element_bytes;
        outer->from_step *= (int32_t)element_bytes;
    }
    return TFLM_OK;
}

// Fills the bytes from *filled to `end` with the value.
static void fill_to(const move_t *move, uint8_t **filled, uint8_t *end) {
    tflm_fill_runs((int8_t *)*filled, move->fill, (uint32_t)(end - *filled), 1, 0);
    *filled = end;
}

// Runs the outermost loop and those within it; fills what lies before runs from *filled on.
static void copy_levels(const move_t *move, uint8_t *to, const uint8_t *from, const level_t *level,
                        const level_t *inner, uint32_t levels, uint8_t **filled) {
    uint32_t count = level->count;
    if (levels > 1) {
        for (uint32_t i = 0; i < count; i++) {
            copy_levels(move, to, from, inner, inner + 1, levels - 1, filled);
            to += level->to_step;
            from += level->from_step;
        }
        return;
    }
    tflm_copy_runs((int8_t *)to, (const int8_t *)from, move->run, count, level->to_step,
                   level->from_step);
    if (move->fill_bytes) {
        fill_to(move, filled, to);
        tflm_fill_runs((int8_t *)to + move->run, move->fill, (uint32_t)level->to_step - move->run,
                       count - 1, level->to_step);
        *filled = to + (ptrdiff_t)(count - 1) * level->to_step + move->run;
    }
}

TFLM_EVAL(move) {
    const move_t *move = data;
    uint8_t *start = tflm_at(run, move->to), *target = start + move->to_offset;
    const uint8_t *source = tflm_at(run, move->from) + move->from_offset;
    if (move->levels) {
        level_t outer = move->level[0];
        uint8_t *filled = start;
        if (from) { // The end of the rounds before.
            filled = target + move->run + (ptrdiff_t)(from - 1) * outer.to_step;
            for (uint32_t i = 1; i < move->levels; i++) {
                filled += (ptrdiff_t)(move->level[i].count - 1) * move->level[i].to_step;
            }
        }
        target += (ptrdiff_t)from * outer.to_step;
        source += (ptrdiff_t)from * outer.from_step;
        bool ends = to == outer.count;
        outer.count = to - from;
        copy_levels(move, target, source, &outer, move->level + 1, move->levels, &filled);
        if (ends && move->fill_bytes) {
            fill_to(move, &filled, start + move->fill_bytes);
        }
        return;
    }
    uint32_t first = from * RUN_PART, end = to * RUN_PART;
    end = end < move->run ? end : move->run;
    if (target > source) { // Backwards: the source's end may overlap the target's beginning.
        uint32_t last = move->run - first;
        first = move->run - end;
        end = last;
    }
    memmove(target + first, source + first, end - first);
}
