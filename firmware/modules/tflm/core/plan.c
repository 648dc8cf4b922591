// SPDX-License-Identifier: Apache-2.0
// The memory plan. Largest first, each root goes into the lowest gap that is free for as long as it
// lives. TensorFlow Lite Micro's greedy planner does the same, but here the memory that tensors
// share has already been merged.
//
// An operator that works row by row may write its output over an input that nothing needs
// afterwards. The output then begins at least `lead` bytes before the input, so that writing never
// overtakes reading.
#include "plan.h"

#include "share.h"

static uint32_t min(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

// Whether root `output` may overlap root `input`, which dies in the operator that writes the
// output.
static bool pair(const tflm_slot_t *output, const tflm_slot_t *input) {
    return output->over == input->root && output->first == input->last;
}

// If placed root `b` keeps root `a` from beginning at `start`, returns where `a` may begin again,
// else 0. All places end below 2^31.
static uint32_t conflict(const tflm_slot_t *a, const tflm_slot_t *b, uint32_t start) {
    if (a->first > b->last || b->first > a->last) {
        return 0;
    }
    uint32_t before = a->bytes, after = b->bytes;
    if (pair(a, b)) {
        before = min(before, a->lead);
        after = min(after, a->lag);
    } else if (pair(b, a)) {
        before = min(before, b->lag);
        after = min(after, b->lead);
    }
    uint32_t end = b->place + after;
    return start + before > b->place && start < end ? end : 0;
}

// Puts a root at the lowest place from `base` on that conflicts with no placed root. Placed roots
// form a list that begins at *head, in the order of their places.
static uint32_t place_root(tflm_slot_t *slots, tflm_slot_t *root, uint32_t base, uint16_t *head) {
    uint32_t start = base;
    uint16_t *link;
    bool changed;
    // A root may overlap at most two others; without them, the second round changes nothing.
    do {
        changed = false;
        link = head;
        for (uint32_t i = *head; i != TFLM_NO_TENSOR; i = slots[i].next) {
            uint32_t end = conflict(root, &slots[i], start);
            if (end > start) {
                start = tflm_align(end, TFLM_ARENA_ALIGNMENT);
                changed = true;
            }
            if (slots[i].place <= start) {
                link = &slots[i].next;
            }
        }
    } while (changed);
    root->place = start;
    root->pinned |= TFLM_PINNED_PLACE;
    root->next = *link;
    *link = root->root;
    return start + root->bytes;
}

TFLM_NOINLINE uint32_t tflm_plan(tflm_load_t *load, uint32_t base) {
    tflm_slot_t *slots = load->slots;
    for (uint32_t i = 0; i < load->slot_count; i++) {
        tflm_slot_t *slot = &slots[i], *root = &slots[tflm_root(load, i)];
        if (i >= load->main.tensors.count) {
            root->over = root->root; // Variables and scratch tensors overlap nothing.
        }
        if (tflm_is_live(slot)) {
            root->first = (uint16_t)min(root->first, slot->first);
            root->last = root->last > slot->last ? root->last : slot->last;
        }
    }
    uint32_t end = base;
    uint16_t head = TFLM_NO_TENSOR;
    while (end < TFLM_PLACE_MODEL) {
        tflm_slot_t *largest = NULL;
        uint32_t most = 0;
        for (uint32_t i = 0; i < load->slot_count; i++) {
            tflm_slot_t *slot = &slots[i];
            if (slot->root == i && tflm_is_live(slot) && !(slot->pinned & TFLM_PINNED_PLACE) &&
                slot->bytes > most) {
                most = slot->bytes;
                largest = slot;
            }
        }
        if (!largest) {
            break;
        }
        uint32_t reached = place_root(slots, largest, base, &head);
        end = reached > end ? reached : end;
    }
    return end;
}
