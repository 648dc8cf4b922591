// SPDX-License-Identifier: Apache-2.0
// Tensors within tensors. An operator that only moves elements has nothing to do if its output
// already lies where it would be moved to: a slice within the tensor it is cut from, or the parts
// of a concatenation within the whole. Nothing else writes there: an operator writes only its own
// outputs, once in an inference.
#include "share.h"

#include "model.h"
#include "schema.h"

uint32_t tflm_root(tflm_load_t *load, uint32_t id) {
    tflm_slot_t *slots = load->slots, *slot = &slots[id];
    uint32_t root = slot->root;
    // (A slot without bytes is a variable's handle, and must keep its root.)
    while (slots[root].root != root) {
        if (slot->bytes) {
            slot->root = slots[root].root;
            slot->place += slots[root].place;
        }
        root = slots[root].root;
    }
    return root;
}

uint32_t tflm_offset_in_root(const tflm_load_t *load, uint32_t id) {
    return load->slots[id].root == id ? 0 : load->slots[id].place;
}

bool tflm_in_place(tflm_load_t *load, uint32_t to, uint32_t to_offset, uint32_t from,
                   uint32_t from_offset) {
    return tflm_root(load, to) == tflm_root(load, from) &&
           tflm_offset_in_root(load, to) + to_offset ==
               tflm_offset_in_root(load, from) + from_offset;
}

static void put_within(tflm_load_t *load, uint32_t part, uint32_t whole, uint32_t offset) {
    load->slots[part].root = (uint16_t)whole;
    load->slots[part].place = offset;
}

TFLM_NOINLINE void tflm_share(tflm_node_t *node, uint32_t to, uint32_t to_offset, uint32_t from,
                              uint32_t from_offset, uint32_t bytes) {
    tflm_load_t *load = node->load;
    tflm_slot_t *slots = load->slots;
    uint32_t root = tflm_root(load, from);
    // A model's output may be overwritten, but constants may not.
    bool given = slots[to].last == load->main.operators.count;
    if (!bytes || slots[root].pinned & TFLM_PINNED_STATE ||
        (slots[root].pinned & TFLM_PINNED_PLACE && given)) {
        return;
    }
    if (bytes == slots[to].bytes && slots[to].root == to) {
        // A small part must not keep a large whole for longer.
        if (bytes >= slots[from].bytes / 2 || node->outputs.count > 1 ||
            slots[to].last <= slots[from].last) {
            put_within(load, to, from, from_offset);
        }
    } else if (bytes == slots[from].bytes && bytes == slots[root].bytes && !slots[root].pinned &&
               tflm_root(load, to) != root) {
        put_within(load, root, to, to_offset);
    }
}

static bool holds_variable(tflm_load_t *load, uint32_t root) {
    for (uint32_t i = load->main.tensors.count; i < load->main.tensors.count + load->variable_count;
         i++) {
        if (tflm_root(load, i) == root) {
            return true;
        }
    }
    return false;
}

// The operators that touch one variable.
typedef struct {
    uint32_t reads, assigns;
    uint32_t read_at, assign_at; // The last of each.
    uint32_t value;              // The output of the last read.
} uses_t;

static uses_t find_uses(tflm_load_t *load, uint32_t variable) {
    uses_t uses = {0, 0, 0, 0, 0};
    for (uint32_t i = 0; i < load->main.operators.count; i++) {
        tflm_node_t node;
        if (tflm_read_node(load, &load->main, i, &node) != TFLM_OK ||
            (node.code != TFLM_CODE_READ_VARIABLE && node.code != TFLM_CODE_ASSIGN_VARIABLE)) {
            continue;
        }
        uint32_t handle = tflm_node_input(&node, 0);
        if (handle == TFLM_NO_TENSOR || load->slots[handle].root != variable) {
            continue;
        }
        if (node.code == TFLM_CODE_ASSIGN_VARIABLE) {
            uses.assigns++;
            uses.assign_at = i;
        } else if (tflm_node_output(&node, 0) != TFLM_NO_TENSOR) {
            uses.reads++;
            uses.read_at = i;
            uses.value = tflm_node_output(&node, 0);
        }
    }
    return uses;
}

// Returns the last operator that needs a tensor or something within it.
static uint32_t last_use(tflm_load_t *load, uint32_t root) {
    uint32_t last = 0;
    for (uint32_t i = 0; i < load->main.tensors.count; i++) {
        const tflm_slot_t *slot = &load->slots[i];
        if (slot->bytes && slot->last > last && tflm_root(load, i) == root) {
            last = slot->last;
        }
    }
    return last;
}

// Returns the first operator that writes into a part of a root's memory.
static uint32_t first_write(tflm_load_t *load, uint32_t root, uint32_t from, uint32_t bytes) {
    uint32_t first = UINT32_MAX;
    for (uint32_t i = 0; i < load->main.tensors.count; i++) {
        const tflm_slot_t *slot = &load->slots[i];
        if (slot->bytes && tflm_is_live(slot) && tflm_root(load, i) == root &&
            tflm_offset_in_root(load, i) < from + bytes &&
            from < tflm_offset_in_root(load, i) + slot->bytes && slot->first < first) {
            first = slot->first;
        }
    }
    return first;
}

// Whether a variable keeps its value until the last use of what operator `read_at` reads from it,
// if operator `written_at` is the first that changes it.
static bool stays(tflm_load_t *load, const uses_t *uses, uint32_t written_at) {
    return uses->read_at > uses->assign_at ||
           (written_at > last_use(load, uses->value) && !tflm_keeps_all(load));
}

void tflm_assign_in_place(tflm_node_t *node, uint32_t variable, uint32_t value) {
    tflm_load_t *load = node->load;
    tflm_slot_t *slots = load->slots;
    uint32_t root = tflm_root(load, value);
    if (slots[root].pinned || holds_variable(load, root)) {
        return;
    }
    uses_t uses = find_uses(load, variable);
    if (uses.assigns != 1 || uses.reads > 1) {
        return;
    }
    if (uses.reads) {
        uint32_t written_at =
            first_write(load, root, tflm_offset_in_root(load, value), slots[variable].bytes);
        uint32_t home = tflm_root(load, uses.value);
        bool free = home == uses.value && stays(load, &uses, written_at);
        bool copied = uses.read_at < written_at || uses.read_at > uses.assign_at;
        if (home == root ? uses.read_at >= uses.assign_at : !copied && !free) {
            return;
        }
    }
    put_within(load, variable, value, 0);
}

void tflm_read_in_place(tflm_node_t *node, uint32_t value, uint32_t variable) {
    tflm_load_t *load = node->load;
    uint32_t root = tflm_root(load, variable);
    uses_t uses = find_uses(load, variable);
    if (load->slots[value].root != value || holds_variable(load, value) || uses.assigns > 1) {
        return;
    }
    uses.read_at = node->index;
    uses.value = value;
    uint32_t written_at = root == variable
                              ? uses.assign_at + 1
                              : first_write(load, root, tflm_offset_in_root(load, variable),
                                            load->slots[value].bytes);
    if (!uses.assigns || stays(load, &uses, written_at)) {
        put_within(load, value, variable, 0);
    }
}
