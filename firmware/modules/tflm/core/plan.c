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

static bool wants_place(const tflm_load_t *load, uint32_t i) {
    const tflm_slot_t *slot = &load->slots[i];
    return slot->root == i && slot->first <= slot->last && slot->bytes &&
           !(slot->place & TFLM_PLACE_MODEL);
}

// Whether `output` may lie over `input`, which dies in the operator that makes it.
static bool pair(const tflm_slot_t *slots, uint32_t output, uint32_t input) {
    return slots[output].over == input && slots[output].first == slots[input].last;
}

static uint32_t min(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// Where root `i` may begin again when it must not begin at `start` because of placed root `j`; 0:
// it may. All places end below 2^31.
static uint32_t conflict(const tflm_slot_t *slots, uint32_t i, uint32_t j, uint32_t start) {
    if (slots[i].first > slots[j].last || slots[j].first > slots[i].last) {
        return 0;
    }
    uint32_t before = slots[i].bytes, after = slots[j].bytes;
    if (pair(slots, i, j)) {
        before = min(before, slots[i].lead);
        after = min(after, slots[i].lag);
    } else if (pair(slots, j, i)) {
        before = min(before, slots[j].lag);
        after = min(after, slots[j].lead);
    }
    uint32_t end = slots[j].place + after;
    return start + before > slots[j].place && start < end ? end : 0;
}

// The lowest start of root `i` that no placed root forbids.
static uint32_t find_gap(const tflm_slot_t *slots, uint32_t i, uint32_t base, uint16_t head) {
    uint32_t start = base;
    // Almost always the second round finds nothing to change. Were it not to end, above everything
    // placed there is room.
    for (int round = 0; round <= MAX_ROUNDS; round++) {
        bool changed = false;
        for (uint32_t j = head; j != TFLM_NO_TENSOR; j = slots[j].next) {
            uint32_t end = conflict(slots, i, j, start);
            if (round == MAX_ROUNDS) {
                end = slots[j].place + slots[j].bytes;
            }
            if (end > start) {
                start = tflm_align(end, TFLM_ARENA_ALIGNMENT);
                changed = true;
            }
        }
        if (!changed) {
            break;
        }
    }
    return start;
}

// Puts root `i` where it fits, and into the list of placed roots, which is sorted by place.
static uint32_t place_root(tflm_load_t *load, uint32_t i, uint32_t base, uint16_t *head) {
    tflm_slot_t *slots = load->slots;
    uint32_t start = find_gap(slots, i, base, *head);
    if (start + slots[i].bytes >= TFLM_PLACE_MODEL) {
        return TFLM_PLACE_MODEL;
    }
    slots[i].place = start;
    uint16_t *link = head;
    while (*link != TFLM_NO_TENSOR && slots[*link].place <= slots[i].place) {
        link = &slots[*link].next;
    }
    slots[i].next = *link;
    *link = (uint16_t)i;
    return start + slots[i].bytes;
}

uint32_t tflm_plan(tflm_load_t *load, uint32_t base) {
    tflm_slot_t *slots = load->slots;
    for (uint32_t i = 0; i < load->slot_count; i++) {
        uint32_t offset;
        uint32_t root = tflm_root(load, i, &offset);
        if (i >= load->main.tensors.count) {
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
    uint32_t end = base;
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
        uint32_t reached = place_root(load, best, base, &head);
        if (reached > end) {
            end = reached;
        }
        if (end >= TFLM_PLACE_MODEL) {
            return end;
        }
    }
}
