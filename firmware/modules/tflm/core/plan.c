// SPDX-License-Identifier: Apache-2.0
// The memory plan. Largest first, each root goes into the lowest gap that is free for as long as it
// lives: what TensorFlow Lite Micro's greedy planner does, but with the memory that tensors share
// already folded together.
//
// An operator that works row by row may write its output over its input, once that is not needed
// any more: then the output begins `lead` bytes before the input or earlier, and writing never
// overtakes reading.
#include "load.h"

enum { MAX_ROUNDS = 16 };

static bool overlap(const tflm_slot_t *a, const tflm_slot_t *b) {
    return a->first <= b->last && b->first <= a->last;
}

static bool wants_place(const tflm_load_t *load, uint32_t i) {
    const tflm_slot_t *slot = &load->slots[i];
    return slot->root == i && slot->first <= slot->last && slot->bytes &&
           !(slot->place & TFLM_PLACE_MODEL);
}

// Whether `output` may lie over `input`, which dies in the operator that makes it.
static bool pair(const tflm_slot_t *slots, uint32_t output, uint32_t input) {
    return slots[output].over == input && slots[output].first == slots[input].last;
}

static int64_t min(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b) {
    return a > b ? a : b;
}

// Where root `i` must not begin because of placed root `j`: after *from and before *to.
static void forbid(const tflm_slot_t *slots, uint32_t i, uint32_t j, int64_t *from, int64_t *to) {
    int64_t start = slots[j].place;
    *from = start - slots[i].bytes;
    *to = start + slots[j].bytes;
    if (pair(slots, i, j)) {
        *from = max(*from, start - slots[i].lead);
        *to = min(*to, start + slots[i].lag);
    } else if (pair(slots, j, i)) {
        *from = max(*from, start - slots[j].lag);
        *to = min(*to, start + slots[j].lead);
    }
}

// The lowest start of root `i` that no placed root forbids.
static int64_t find_gap(const tflm_slot_t *slots, uint32_t i, uint32_t base, uint16_t head) {
    int64_t start = base;
    // Almost always the second round finds nothing to change. Were it not to end, above everything
    // placed there is room.
    for (int round = 0; round < MAX_ROUNDS; round++) {
        bool changed = false;
        for (uint32_t j = head; j != TFLM_NO_TENSOR; j = slots[j].next) {
            int64_t from, to;
            forbid(slots, i, j, &from, &to);
            if (overlap(&slots[i], &slots[j]) && start > from && start < to) {
                start = (to + TFLM_ARENA_ALIGNMENT - 1) & ~(int64_t)(TFLM_ARENA_ALIGNMENT - 1);
                changed = true;
            }
        }
        if (!changed) {
            return start;
        }
    }
    for (uint32_t j = head; j != TFLM_NO_TENSOR; j = slots[j].next) {
        int64_t end = (int64_t)slots[j].place + slots[j].bytes;
        start = end > start ? end : start;
    }
    return (start + TFLM_ARENA_ALIGNMENT - 1) & ~(int64_t)(TFLM_ARENA_ALIGNMENT - 1);
}

// Puts root `i` where it fits, and into the list of placed roots, which is sorted by place.
static uint64_t place_root(tflm_load_t *load, uint32_t i, uint32_t base, uint16_t *head) {
    tflm_slot_t *slots = load->slots;
    int64_t start = find_gap(slots, i, base, *head);
    if (start + slots[i].bytes >= TFLM_PLACE_MODEL) {
        return TFLM_PLACE_MODEL;
    }
    slots[i].place = (uint32_t)start;
    uint16_t *link = head;
    while (*link != TFLM_NO_TENSOR && slots[*link].place <= slots[i].place) {
        link = &slots[*link].next;
    }
    slots[i].next = *link;
    *link = (uint16_t)i;
    return (uint64_t)start + slots[i].bytes;
}

uint64_t tflm_plan(tflm_load_t *load, uint32_t base) {
    tflm_slot_t *slots = load->slots;
    for (uint32_t i = 0; i < load->slot_count; i++) {
        uint32_t offset;
        uint32_t root = tflm_root(load, i, &offset);
        if (i >= load->variable_first) {
            slots[root].over = (uint16_t)root; // What lasts lies over nothing.
        }
        if (root != i && slots[i].first <= slots[i].last) {
            if (slots[root].first > slots[i].first) {
                slots[root].first = slots[i].first;
            }
            if (slots[root].last < slots[i].last) {
                slots[root].last = slots[i].last;
            }
        }
    }
    uint64_t end = base;
    uint16_t head = TFLM_NO_TENSOR;
    uint32_t size = UINT32_MAX, after = 0;
    for (;;) {
        // The next in order of falling size, then of rising number.
        uint32_t best = TFLM_NO_TENSOR;
        for (uint32_t i = 0; i < load->slot_count; i++) {
            bool follows = slots[i].bytes < size || (slots[i].bytes == size && i >= after);
            if (follows && wants_place(load, i) &&
                (best == TFLM_NO_TENSOR || slots[i].bytes > slots[best].bytes)) {
                best = i;
            }
        }
        if (best == TFLM_NO_TENSOR) {
            return end;
        }
        size = slots[best].bytes;
        after = best + 1;
        uint64_t reached = place_root(load, best, base, &head);
        if (reached > end) {
            end = reached;
        }
        if (end >= TFLM_PLACE_MODEL) {
            return end;
        }
    }
}
