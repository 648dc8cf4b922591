// SPDX-License-Identifier: Apache-2.0
// Loading: checks the whole model, lets each operator prepare its record in the arena, plans the
// memory of the tensors, and turns tensor numbers in the records into places.
//
// Layout of the arena: operator records, states, tensors. The table of slots, needed only while
// loading, lies at the arena's end, where tensors will be (with TFLM_KEEP_ALL: at its start).
#include <string.h>

#include "kernels.h"
#include "message.h"
#include "model.h"
#include "ops/variable.h"
#include "plan.h"
#include "share.h"

#if TFLM_HAS_VARIANTS
// Some operators have a kernel for each of several types.
static tflm_status_t choose_kernel(tflm_node_t *node) {
    uint32_t input = tflm_node_input(node, node->kernel->flags & TFLM_LATE_INPUT ? 2 : 0);
    if (input != TFLM_NO_TENSOR) {
        tflm_tensor_t tensor;
        TRY(tflm_read_tensor(node->load, &node->load->main, input, &tensor));
        uint8_t variant = tensor.type == TFLM_FLOAT32 ? TFLM_F32
                          : tensor.type == TFLM_INT16 ? TFLM_I16
                                                      : 0;
#ifndef TFLM_WITHOUT_INT4
        uint32_t weights = tflm_node_input(node, 1);
        if (!variant && weights != TFLM_NO_TENSOR) {
            TRY(tflm_read_tensor(node->load, &node->load->main, weights, &tensor));
            variant = tensor.type == TFLM_INT4 ? TFLM_I4 : 0;
        }
#endif
        const tflm_kernel_t *kernel = tflm_find_kernel(node->code, variant);
        node->kernel = kernel ? kernel : node->kernel;
    }
    return TFLM_OK;
}
#else
static tflm_status_t choose_kernel(tflm_node_t *node) {
    (void)node;
    return TFLM_OK;
}
#endif

static tflm_status_t make_slots(tflm_load_t *load) {
    uint32_t tensors = load->main.tensors.count;
    load->slots_used = load->slot_count = tensors;
    tflm_node_t node;
    for (uint32_t i = 0; i < load->main.operators.count; i++) {
        TRY(tflm_read_node(load, &load->main, i, &node));
        TRY(choose_kernel(&node));
        load->slot_count += node.kernel->slots;
    }
    uint32_t bytes = load->slot_count * (uint32_t)sizeof(tflm_slot_t);
    if (bytes > load->arena_size) {
        load->self->arena_bytes = bytes;
        return tflm_fail(load, TFLM_ERROR_ARENA, "arena %u bytes given, more than %u needed",
                         load->arena_size, bytes);
    }
    load->limit = (load->arena_size - bytes) & ~3u;
    load->slots = (tflm_slot_t *)(void *)(load->arena + load->limit);
    if (tflm_keeps_all(load)) {
        load->used = tflm_align(bytes, 4);
        load->limit = load->arena_size;
        load->slots = (tflm_slot_t *)(void *)load->arena;
    }
    memset(load->slots, 0, bytes);
    for (uint32_t i = 0; i < load->slot_count; i++) {
        tflm_slot_t *slot = &load->slots[i];
        slot->root = slot->over = (uint16_t)i;
        slot->first = 1; // It is above `last`: no memory is needed so far.
        if (i < tensors) {
            tflm_tensor_t tensor;
            TRY(tflm_read_tensor(load, &load->main, i, &tensor));
            slot->bytes = tensor.bytes;
            slot->lag = (uint8_t)tensor.zero_point;
            if (tensor.data_at) {
                slot->place = tensor.data_at | TFLM_PLACE_MODEL;
                slot->pinned = TFLM_PINNED_PLACE;
            } else if (tensor.is_variable) {
                slot->pinned = TFLM_PINNED_STATE;
                slot->lag = tensor.type == TFLM_INT8 ? slot->lag : 0;
                load->state_count++;
            } else {
                continue;
            }
            slot->first = 0;
            slot->last = (uint16_t)load->main.operators.count;
        }
    }
    return TFLM_OK;
}

// Keeps a node's inputs until this operator, and its outputs from it on. Refuses a node that reads
// a tensor that nothing has written, or writes one twice.
static tflm_status_t use_tensors(tflm_node_t *node) {
    tflm_load_t *load = node->load;
    uint32_t inputs = node->inputs.count;
    bool is_operator = node->code >= 0;
    for (uint32_t i = 0; i < inputs + node->outputs.count; i++) {
        bool writes = i >= inputs;
        uint32_t id = writes ? tflm_node_output(node, i - inputs) : tflm_node_input(node, i);
        if (id == TFLM_NO_TENSOR && is_operator && !writes) {
            continue;
        }
        if (id >= load->main.tensors.count) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL, "tensor %d of %u", id,
                                  load->main.tensors.count);
        }
        tflm_slot_t *slot = &load->slots[id];
        if (tflm_is_live(slot) == writes) {
            return tflm_node_fail(node, TFLM_ERROR_MODEL,
                                  writes ? "writes tensor %d, which has its value"
                                         : "reads tensor %d, which nothing has written",
                                  id);
        }
        if (writes) {
            slot->first = (uint16_t)node->index;
        }
        if (slot->last < node->index) {
            slot->last = (uint16_t)node->index;
        }
        if (!is_operator) {
            if (slot->pinned & TFLM_PINNED_PLACE || !slot->bytes) {
                return tflm_node_fail(node, TFLM_ERROR_MODEL, "tensor %d is constant or no data",
                                      id);
            }
            slot->pinned |= writes;
        }
    }
    return TFLM_OK;
}

// Finds from which operator to which each tensor has to be kept.
static tflm_status_t find_lifetimes(tflm_load_t *load) {
    tflm_node_t node;
    memset(&node, 0, sizeof node);
    node.load = load;
    node.code = -1;
    node.kernel = tflm_kernel(0);
    node.outputs = load->main.inputs;
    TRY(use_tensors(&node));
    uint32_t i = 0;
    for (; i < load->main.operators.count; i++) {
        TRY(tflm_read_node(load, &load->main, i, &node));
        TRY(use_tensors(&node));
    }
    node.index = i;
    node.code = -1;
    node.inputs = load->main.outputs;
    node.outputs.count = 0;
    return use_tensors(&node);
}

// The rounds in which operators are prepared. In the planning rounds, operators that can let one
// tensor lie within another say so, and emit nothing. Then READ_VARIABLE emits the records that
// must run before operators change the variables. All others follow last.
static const struct {
    uint8_t flags; // Prepares kernels with these flags; 0: all of them.
    bool planning, early;
} rounds[] = {
    {TFLM_HANDLES, true, false}, // Finds which variable each handle stands for.
    {TFLM_MOVES, true, false},   // Puts parts within wholes.
    {TFLM_ASSIGNS, true, false}, // Puts variables within the tensors assigned to them.
    {TFLM_READS, true, false},   // Puts what is read within its variable.
    {TFLM_READS, false, true},   {0, false, false},
};

static tflm_status_t prepare_operators(tflm_load_t *load) {
    tflm_t *self = load->self;
    self->records_at = load->used;
    for (uint32_t round = 0; round < sizeof rounds / sizeof *rounds; round++) {
        for (uint32_t i = 0; i < load->main.operators.count; i++) {
            tflm_node_t node;
            TRY(tflm_read_node(load, &load->main, i, &node));
            if (rounds[round].flags && !(node.kernel->flags & rounds[round].flags)) {
                continue;
            }
            node.planning = rounds[round].planning;
            node.early = rounds[round].early;
            TRY(choose_kernel(&node));
            TRY(node.kernel->prepare(&node));
            if (load->fb.bad) {
                return tflm_node_fail(&node, TFLM_ERROR_MODEL, "malformed");
            }
            self->macs += node.macs;
        }
    }
    self->records_end = load->used;
    return TFLM_OK;
}

// Returns the final place of a tensor, once its root has one.
static uint32_t resolve(tflm_load_t *load, uint32_t id) {
    if (id == TFLM_NO_TENSOR) {
        return TFLM_PLACE_NONE;
    }
    uint32_t root = tflm_root(load, id);
    return load->slots[root].place + tflm_offset_in_root(load, id);
}

static void resolve_places(tflm_load_t *load) {
    tflm_t *self = load->self;
    tflm_slot_t *slots = load->slots;
    for (uint32_t at = self->records_at; at < self->records_end;) {
        tflm_record_t *record = (tflm_record_t *)(void *)(load->arena + at);
        uint32_t *place = (uint32_t *)(record + 1);
        uint32_t id = 0;
        for (uint32_t i = record->places; i > 0; i--, place++) {
            id = *place;
            *place = resolve(load, id);
        }
        // Rows need not run backwards if the output does not begin after its input.
        if (record->backwards && place[-1] <= resolve(load, slots[id].over)) {
            record->backwards = false;
        }
        at += record->bytes;
    }
    for (unsigned which = 0; which < 2; which++) {
        for (uint32_t i = 0; i < self->counts[which]; i++) {
            self->places[which][i] = resolve(load, tflm_io_tensor(load, which, i));
        }
    }
    tflm_state_t *state = (tflm_state_t *)(void *)(load->arena + self->states_at);
    uint32_t tensors = load->main.tensors.count;
    for (uint32_t i = 0; i < tensors + load->variable_count; i++) {
        if (i >= tensors || slots[i].pinned & TFLM_PINNED_STATE) {
            state->place = resolve(load, i);
            state->bytes = slots[i].bytes;
            state++->start = slots[i].lag;
        }
    }
    if (tflm_keeps_all(load)) {
        for (uint32_t i = 0; i < load->slot_count; i++) {
            slots[i].next = tflm_is_live(&slots[i]);
            slots[i].bytes = resolve(load, i);
        }
    }
}

void tflm_arena_message(tflm_t *self, size_t given_bytes, size_t needed_bytes) {
    tflm_load_t load;
    load.self = self;
    tflm_fail(&load, TFLM_ERROR_ARENA, "arena %u bytes given, %u needed", (uint32_t)given_bytes,
              (uint32_t)needed_bytes);
}

// Makes the memory plan, and computes how much memory running takes.
static tflm_status_t place_tensors(tflm_load_t *load) {
    tflm_t *self = load->self;
    uint32_t slots = load->slot_count * (uint32_t)sizeof(tflm_slot_t) + 3;
    if (tflm_keeps_all(load)) {
        slots = 0;
        for (uint32_t i = 0; i < load->slot_count; i++) {
            if (tflm_is_live(&load->slots[i])) {
                load->slots[i].first = 0;
                load->slots[i].last = (uint16_t)load->main.operators.count;
            }
        }
    }
    self->states_at = load->used;
    self->states = load->state_count;
    // Each of these is at most 2^31, or little more.
    uint32_t base = load->used + self->states * (uint32_t)sizeof(tflm_state_t);
    base = tflm_align(base, TFLM_ARENA_ALIGNMENT);
    uint32_t need = tflm_plan(load, base);
    need = need < base + slots ? base + slots : need;
    if (need >= TFLM_PLACE_MODEL) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "the model needs 2 GB of arena or more");
    }
    self->arena_bytes = tflm_align(need, TFLM_ARENA_ALIGNMENT);
    self->arena_exact = true;
    if (self->arena_bytes > load->arena_size) {
        tflm_arena_message(self, load->arena_size + self->arena_padding,
                           self->arena_bytes + self->arena_padding);
        return TFLM_ERROR_ARENA;
    }
    resolve_places(load);
    memset(load->arena + base, 0, self->arena_bytes - base);
    return TFLM_OK;
}

tflm_status_t tflm_load(tflm_t *self, const tflm_buffers_t *buffers, unsigned flags) {
    tflm_load_t load;
    memset(self, 0, sizeof *self);
    TRY(tflm_read_model(&load, self, buffers->model, buffers->model_bytes));
    size_t bytes = buffers->arena_bytes;
    bytes = bytes < TFLM_PLACE_MODEL ? bytes : TFLM_PLACE_MODEL - 1;
    uint32_t padding = tflm_padding(buffers->arena);
    padding = padding < bytes ? padding : (uint32_t)bytes;
    self->model_bytes = load.fb.size;
    self->arena_padding = padding;
    load.arena = (uint8_t *)((uintptr_t)buffers->arena + padding); // The sum may be NULL.
    load.arena_size = (uint32_t)bytes - padding;
    load.flags = flags;
    TRY(make_slots(&load));
    TRY(find_lifetimes(&load));
    TRY(prepare_operators(&load));
    TRY(tflm_first_values(&load));
    if (load.fb.bad) {
        return tflm_fail(&load, TFLM_ERROR_MODEL, "malformed model: CALL_ONCE");
    }
    TRY(place_tensors(&load));
    return tflm_reset(self, buffers);
}
