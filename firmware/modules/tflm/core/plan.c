// SPDX-License-Identifier: Apache-2.0
// The memory plan. Largest first, each root goes into the lowest gap that is free for as long as it
// lives: what TensorFlow Lite Micro's greedy planner does, but with the memory that tensors share
// already folded together.
#include "load.h"

static bool overlap(const tflm_slot_t *a, const tflm_slot_t *b) {
    return a->first <= b->last && b->first <= a->last;
}

static bool wants_place(const tflm_load_t *load, uint32_t i) {
    const tflm_slot_t *slot = &load->slots[i];
    return slot->root == i && slot->first <= slot->last && slot->bytes &&
           !(slot->place & TFLM_PLACE_MODEL);
}

// Puts root `i` where it fits, and into the list of placed roots, which is sorted by place.
static uint64_t place_root(tflm_load_t *load, uint32_t i, uint32_t base, uint16_t *head) {
    tflm_slot_t *slots = load->slots;
    uint64_t start = base;
    for (uint32_t j = *head; j != TFLM_NO_TENSOR; j = slots[j].next) {
        if (!overlap(&slots[i], &slots[j])) {
            continue;
        }
        if (start + slots[i].bytes <= slots[j].place) {
            break;
        }
        uint64_t end = (uint64_t)slots[j].place + slots[j].bytes;
        end = (end + TFLM_ARENA_ALIGNMENT - 1) & ~(uint64_t)(TFLM_ARENA_ALIGNMENT - 1);
        if (end > start) {
            start = end;
        }
    }
    if (start + slots[i].bytes >= TFLM_PLACE_MODEL) {
        return start + slots[i].bytes;
    }
    slots[i].place = (uint32_t)start;
    uint16_t *link = head;
    while (*link != TFLM_NO_TENSOR && slots[*link].place <= start) {
        link = &slots[*link].next;
    }
    slots[i].next = *link;
    *link = (uint16_t)i;
    return start + slots[i].bytes;
}

uint64_t tflm_plan(tflm_load_t *load, uint32_t base) {
    tflm_slot_t *slots = load->slots;
    for (uint32_t i = 0; i < load->slot_count; i++) {
        uint32_t root = i;
        while (slots[root].root != root) {
            root = slots[root].root;
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
