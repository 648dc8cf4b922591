// SPDX-License-Identifier: Apache-2.0
#include "move.h"

#include <string.h>

#include "../share.h"

// Bytes of a run that are copied without a chance to stop; the bounds of elements that are filled;
// as many bytes count of a round that is too long for any slice.
enum { RUN_PART = 1 << 13, FILL_PART_MIN = 1 << 6, FILL_PART_MAX = 1 << 12, ROUND_MAX = 1 << 24 };

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
    // First the whole target gets this value, unless there are no such elements.
    uint32_t fill_elements;
    uint16_t fill_bytes; // Of one element.
    uint16_t fill_part;  // Elements without a chance to stop.
    int32_t fill;
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
    // From the innermost dimension on, loops that continue each other become one; the first is the
    // run, of elements that are neighbours at both ends.
    level_t level[TFLM_MAX_RANK + 1], *inner = level;
    inner->count = 1;
    inner->to_step = inner->from_step = 1;
    uint32_t total = element_bytes; // No more than a tensor has: less than 2^31.
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
    // It can stop between parts of what is filled, and rounds of the outermost loop or parts of the
    // only run.
    uint32_t bytes = level->count * element_bytes;
    uint32_t rounds = inner->count, cost = 2 * RUN_PART;
    if (levels) {
        uint32_t round = total / rounds;
        round = round < ROUND_MAX ? round : ROUND_MAX;
        cost = round / bytes * 32 + 2 * round;
    } else {
        rounds = (bytes + RUN_PART - 1) / RUN_PART;
    }
    uint32_t fill_part = FILL_PART_MIN + (cost / 16 < FILL_PART_MAX ? cost / 16 : FILL_PART_MAX);
    node->cost = cost + (fill_elements ? FILL_PART_MIN * 16 : 0);
    node->rows = (fill_elements + fill_part - 1) / fill_part + rounds;
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
    move->fill_elements = fill_elements;
    move->fill_bytes = (uint16_t)element_bytes;
    move->fill_part = (uint16_t)fill_part;
    move->fill = fill;
    for (uint32_t i = 0; i < levels; i++) {
        level_t *outer = &move->level[i];
        *outer = *inner--;
        outer->to_step *= (int32_t)element_bytes;
        outer->from_step *= (int32_t)element_bytes;
    }
    return TFLM_OK;
}

static void copy_runs(uint8_t *to, const uint8_t *from, const level_t *level, uint32_t run) {
    for (uint32_t i = 0; i < level->count; i++, to += level->to_step, from += level->from_step) {
        if (run == 1) {
            *to = *from;
        } else {
            memmove(to, from, run);
        }
    }
}

// The outermost loop, and those within it.
static void copy_levels(uint8_t *to, const uint8_t *from, const level_t *level,
                        const level_t *inner, uint32_t levels, uint32_t run) {
    if (levels == 1) {
        copy_runs(to, from, level, run);
        return;
    }
    for (uint32_t i = 0; i < level->count; i++, to += level->to_step, from += level->from_step) {
        copy_levels(to, from, inner, inner + 1, levels - 1, run);
    }
}

TFLM_EVAL(move) {
    const move_t *move = data;
    uint8_t *start = tflm_at(run, move->to);
    if (move->fill_elements) {
        uint32_t type = move->fill_bytes == 1   ? TFLM_INT8
                        : move->fill_bytes == 2 ? TFLM_INT16
                                                : TFLM_INT32;
        uint32_t part = move->fill_part, rows = (move->fill_elements + part - 1) / part;
        uint32_t end = to < rows ? to * part : move->fill_elements;
        for (uint32_t i = from * part; i < end; i++) {
            tflm_set(start, type, i, move->fill);
        }
        if (to <= rows) {
            return;
        }
        from = from > rows ? from - rows : 0;
        to -= rows;
    }
    uint8_t *target = start + move->to_offset;
    const uint8_t *source = tflm_at(run, move->from) + move->from_offset;
    if (move->levels) {
        level_t outer = move->level[0];
        target += (ptrdiff_t)from * outer.to_step;
        source += (ptrdiff_t)from * outer.from_step;
        outer.count = to - from;
        copy_levels(target, source, &outer, move->level + 1, move->levels, move->run);
        return;
    }
    uint32_t first = from * RUN_PART, end = to * RUN_PART;
    end = end < move->run ? end : move->run;
    if (target > source) { // Backwards: the source's end may be where the target begins.
        uint32_t last = move->run - first;
        first = move->run - end;
        end = last;
    }
    memmove(target + first, source + first, end - first);
}
