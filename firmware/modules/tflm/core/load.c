// SPDX-License-Identifier: Apache-2.0
// Loading: checks the whole model, lets each operator prepare its record in the arena, plans the
// memory of the tensors, and turns tensor numbers in the records into places.
//
// Layout of the arena: operator records, states, tensors. The table of slots, needed only while
// loading, lies at the arena's end, where tensors will be (with TFLM_KEEP_ALL: at its start).
#include <string.h>

#include "load.h"

static tflm_status_t malformed(tflm_load_t *load, const char *what) {
    return tflm_fail(load, TFLM_ERROR_MODEL, "malformed model: %s", what);
}

static bool open_model(fb_t *fb, uint32_t *root) {
    static const char identifier[] = "TFL3";
    *root = fb_follow(fb, 0);
    return fb_u32(fb, 4) == tflm_load_u32((const uint8_t *)identifier) && !fb->bad;
}

static tflm_status_t read_model(tflm_load_t *load) {
    fb_t *fb = &load->fb;
    uint32_t root;
    if (!open_model(fb, &root)) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "not a .tflite model");
    }
    int32_t version = fb_field_i32(fb, root, 0, 0);
    if (version != 3) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "schema version %d, not 3", version);
    }
    load->codes = fb_field_vector(fb, root, 1, 4);
    fb_vector_t subgraphs = fb_field_vector(fb, root, 2, 4);
    load->buffers = fb_field_vector(fb, root, 4, 4);
    uint32_t main = fb_element_table(fb, subgraphs, 0);
    load->tensors = fb_field_vector(fb, main, 0, 4);
    load->inputs = fb_field_vector(fb, main, 1, 4);
    load->outputs = fb_field_vector(fb, main, 2, 4);
    load->operators = fb_field_vector(fb, main, 3, 4);
    if (subgraphs.count > 2) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "%u subgraphs, at most 2", subgraphs.count);
    }
    if (subgraphs.count == 2) {
        uint32_t init = fb_element_table(fb, subgraphs, 1);
        load->init_tensors = fb_field_vector(fb, init, 0, 4);
        load->init_operators = fb_field_vector(fb, init, 3, 4);
    }
    if (fb->bad || !main) {
        return malformed(load, "subgraphs");
    }
    if (load->tensors.count > TFLM_MAX_TENSORS || load->operators.count > TFLM_MAX_OPERATORS ||
        load->init_operators.count > TFLM_MAX_OPERATORS) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "%u tensors and %u operators, at most %u",
                         load->tensors.count, load->operators.count, TFLM_MAX_OPERATORS);
    }
    if (load->inputs.count > TFLM_MAX_IO || load->outputs.count > TFLM_MAX_IO) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "%u inputs and %u outputs, at most %u",
                         load->inputs.count, load->outputs.count, TFLM_MAX_IO);
    }
    load->self->inputs = (uint8_t)load->inputs.count;
    load->self->outputs = (uint8_t)load->outputs.count;
    load->self->operators = (uint16_t)load->operators.count;
    return TFLM_OK;
}

static tflm_status_t make_slots(tflm_load_t *load) {
    uint32_t scratches = 0, variables = 0;
    tflm_node_t node;
    for (uint32_t i = 0; i < load->operators.count; i++) {
        TRY(tflm_read_node(load, load->operators, i, &node));
        scratches += tflm_kernel(node.kernel)->scratches;
        variables += node.code == TFLM_CODE_VAR_HANDLE;
    }
    load->variable_first = load->tensors.count;
    load->scratch_next = load->variable_first + variables;
    load->slot_count = load->scratch_next + scratches;
    uint32_t bytes = load->slot_count * (uint32_t)sizeof(tflm_slot_t);
    if (load->slot_count >= TFLM_NO_TENSOR) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "too many tensors");
    }
    if (!bytes) {
        return malformed(load, "no tensors");
    }
    if (bytes > load->arena_size) {
        load->self->arena_bytes = bytes;
        return tflm_fail(load, TFLM_ERROR_ARENA, "arena %u bytes given, more than %u needed",
                         load->arena_size, bytes);
    }
    if (load->flags & TFLM_KEEP_ALL) {
        load->used = tflm_align(bytes, 4);
        load->limit = load->arena_size;
        load->slots = (tflm_slot_t *)(void *)load->arena;
    } else {
        load->limit = (load->arena_size - bytes) & ~3u;
        load->slots = (tflm_slot_t *)(void *)(load->arena + load->limit);
    }
    memset(load->slots, 0, bytes);
    for (uint32_t i = 0; i < load->slot_count; i++) {
        tflm_slot_t *slot = &load->slots[i];
        slot->root = slot->over = (uint16_t)i;
        slot->first = 1; // Above last: no memory needed so far.
        if (i < load->tensors.count) {
            tflm_tensor_t tensor;
            TRY(tflm_read_tensor(load, load->tensors, i, &tensor));
            slot->bytes = tensor.bytes;
            slot->place = tensor.data_at ? tensor.data_at | TFLM_PLACE_MODEL : 0;
            if (tensor.is_variable && !tensor.data_at) {
                slot->pinned = TFLM_PINNED_STATE;
                slot->first = 0;
                slot->last = (uint16_t)load->operators.count;
                load->state_count++;
            }
        }
    }
    return TFLM_OK;
}

static bool is_constant(const tflm_slot_t *slot) {
    return slot->place & TFLM_PLACE_MODEL;
}

static bool is_live(const tflm_slot_t *slot) {
    return slot->first <= slot->last;
}

// From which operator to which each tensor has to be kept. Refuses models that read what nothing
// has written, or write twice.
static tflm_status_t find_lifetimes(tflm_load_t *load) {
    fb_t *fb = &load->fb;
    uint16_t end = (uint16_t)load->operators.count;
    for (uint32_t i = 0; i < load->inputs.count; i++) {
        uint32_t id = (uint32_t)fb_element_i32(fb, load->inputs, i);
        if (id >= load->tensors.count || is_constant(&load->slots[id]) ||
            is_live(&load->slots[id]) || !load->slots[id].bytes) {
            return malformed(load, "inputs");
        }
        load->slots[id].first = load->slots[id].last = 0;
        load->slots[id].pinned = TFLM_PINNED_INPUT;
    }
    for (uint32_t i = 0; i < load->operators.count; i++) {
        tflm_node_t node;
        TRY(tflm_read_node(load, load->operators, i, &node));
        for (uint32_t j = 0; j < node.inputs.count; j++) {
            int32_t id = fb_element_i32(fb, node.inputs, j);
            if (id == -1) {
                continue;
            }
            if (id < 0 || (uint32_t)id >= load->tensors.count) {
                return tflm_node_fail(&node, TFLM_ERROR_MODEL, "input %u is tensor %d of %u", j, id,
                                      load->tensors.count);
            }
            tflm_slot_t *slot = &load->slots[id];
            if (is_constant(slot)) {
                continue;
            }
            if (!is_live(slot)) {
                return tflm_node_fail(&node, TFLM_ERROR_MODEL,
                                      "reads tensor %d, which nothing has written", id);
            }
            if (slot->last < i) {
                slot->last = (uint16_t)i;
            }
        }
        for (uint32_t j = 0; j < node.outputs.count; j++) {
            uint32_t id = (uint32_t)fb_element_i32(fb, node.outputs, j);
            if (id >= load->tensors.count) {
                return tflm_node_fail(&node, TFLM_ERROR_MODEL, "output %u is tensor %d of %u", j,
                                      id, load->tensors.count);
            }
            if (is_constant(&load->slots[id]) || is_live(&load->slots[id])) {
                return tflm_node_fail(&node, TFLM_ERROR_MODEL,
                                      "writes tensor %d, which has its value", id);
            }
            load->slots[id].first = load->slots[id].last = (uint16_t)i;
        }
    }
    for (uint32_t i = 0; i < load->outputs.count; i++) {
        uint32_t id = (uint32_t)fb_element_i32(fb, load->outputs, i);
        if (id >= load->tensors.count || !is_live(&load->slots[id]) || !load->slots[id].bytes) {
            return malformed(load, "outputs");
        }
        load->slots[id].last = end;
    }
    return TFLM_OK;
}

void tflm_overlap(tflm_node_t *node, uint32_t lead_bytes, uint32_t lag_bytes) {
    tflm_slot_t *slots = node->load->slots;
    uint32_t output = tflm_node_output(node, 0), offset;
    uint32_t input = tflm_root(node->load, tflm_node_input(node, 0), &offset);
    if (offset) {
        return;
    }
    slots[output].over = (uint16_t)input;
    slots[output].lead = lead_bytes;
    slots[output].lag = lag_bytes;
    node->overlaps = true;
}

uint32_t tflm_scratch(tflm_node_t *node, uint32_t bytes) {
    uint32_t id = node->load->scratch_next++;
    tflm_slot_t *slot = &node->load->slots[id];
    slot->bytes = bytes;
    slot->first = slot->last = (uint16_t)node->index;
    return id;
}

void *tflm_node_data(tflm_node_t *node, uint32_t places, uint32_t bytes) {
    tflm_load_t *load = node->load;
    uint32_t start = load->used;
    // Records count past the arena's end, but not past what 32 bits hold.
    uint64_t end = (uint64_t)start + sizeof(tflm_record_t) + tflm_align(bytes, 4);
    load->used = end > TFLM_PLACE_MODEL ? TFLM_PLACE_MODEL : (uint32_t)end;
    if (end > load->limit) {
        return NULL;
    }
    tflm_record_t *record = (tflm_record_t *)(void *)(load->arena + start);
    memset(record, 0, end - start);
    record->bytes = (uint32_t)(end - start);
    record->kernel = (uint8_t)node->kernel;
    record->backwards = node->overlaps;
    record->places = (uint16_t)places;
    uint64_t cost = node->cost;
    if (!cost) { // Without a 64-bit division; a row is all that a slice of so many has.
        cost = node->macs > UINT32_MAX ? UINT32_MAX : (uint32_t)node->macs / node->rows + 1;
    }
    record->rows = node->rows;
    record->cost = cost > UINT32_MAX ? UINT32_MAX : (uint32_t)cost;
    uint32_t *place = (uint32_t *)(record + 1);
    for (uint32_t i = 0; i < places; i++) {
        place[i] = i + 1 < places        ? tflm_node_input(node, i)
                   : node->outputs.count ? tflm_node_output(node, 0)
                                         : TFLM_NO_TENSOR;
    }
    return place;
}

// Some operators have another kernel for another type.
static tflm_status_t choose_kernel(tflm_node_t *node) {
    uint32_t input = tflm_node_input(node, node->code == TFLM_CODE_TRANSPOSE_CONV ? 2 : 0);
    if (input != TFLM_NO_TENSOR) {
        tflm_tensor_t tensor;
        TRY(tflm_read_tensor(node->load, node->load->tensors, input, &tensor));
        uint8_t variant = tensor.type == TFLM_FLOAT32 ? TFLM_REAL
                          : tensor.type == TFLM_INT16 ? TFLM_WIDE
                                                      : 0;
#ifndef TFLM_WITHOUT_INT4
        uint32_t weights = tflm_node_input(node, 1);
        if (!variant && weights != TFLM_NO_TENSOR) {
            TRY(tflm_read_tensor(node->load, node->load->tensors, weights, &tensor));
            variant = tensor.type == TFLM_INT4 ? TFLM_PACKED : 0;
        }
#endif
        int32_t kernel = tflm_find_kernel(node->code, variant);
        if (kernel >= 0) {
            node->kernel = (uint32_t)kernel;
        }
    }
    return TFLM_OK;
}

// Operators are prepared in this order, some of them twice: first to say which tensors can lie
// within others, then to emit records.
enum { HANDLES, MOVES, ASSIGNS, READS, EARLY_READS, ALL_OPERATORS, STAGES };

static bool is_of_stage(int stage, const tflm_node_t *node) {
    switch (stage) {
    case HANDLES:
        return node->code == TFLM_CODE_VAR_HANDLE;
    case MOVES:
        return tflm_kernel(node->kernel)->flags & TFLM_MOVES;
    case ASSIGNS:
        return node->code == TFLM_CODE_ASSIGN_VARIABLE;
    case READS:
    case EARLY_READS:
        return node->code == TFLM_CODE_READ_VARIABLE;
    default:
        return node->code != TFLM_CODE_VAR_HANDLE;
    }
}

static tflm_status_t prepare_operators(tflm_load_t *load) {
    load->self->records_at = load->used;
    for (int stage = HANDLES; stage < STAGES; stage++) {
        for (uint32_t i = 0; i < load->operators.count; i++) {
            tflm_node_t node;
            TRY(tflm_read_node(load, load->operators, i, &node));
            if (!is_of_stage(stage, &node)) {
                continue;
            }
            node.planning = stage < EARLY_READS;
            node.early = stage == EARLY_READS;
            TRY(choose_kernel(&node));
            TRY(tflm_kernel(node.kernel)->prepare(&node));
            if (load->fb.bad) {
                return tflm_node_fail(&node, TFLM_ERROR_MODEL, "malformed");
            }
            load->self->macs += node.macs;
        }
    }
    load->self->records_end = load->used;
    return TFLM_OK;
}

// The final place of a tensor, once its root has one.
static uint32_t resolve(tflm_load_t *load, uint32_t id) {
    if (id == TFLM_NO_TENSOR) {
        return TFLM_PLACE_NONE;
    }
    uint32_t offset;
    uint32_t root = tflm_root(load, id, &offset);
    return load->slots[root].place + offset;
}

static void resolve_places(tflm_load_t *load) {
    tflm_t *self = load->self;
    for (uint32_t at = self->records_at; at < self->records_end;) {
        tflm_record_t *record = (tflm_record_t *)(void *)(load->arena + at);
        uint32_t *place = (uint32_t *)(record + 1);
        uint32_t output = record->places ? place[record->places - 1] : 0;
        for (uint32_t i = 0; i < record->places; i++) {
            place[i] = resolve(load, place[i]);
        }
        // An output over its input, and not before it.
        record->backwards = record->backwards &&
                            place[record->places - 1] > resolve(load, load->slots[output].over);
        at += record->bytes;
    }
    for (uint32_t i = 0; i < load->inputs.count; i++) {
        self->input_place[i] = resolve(load, (uint32_t)fb_element_i32(&load->fb, load->inputs, i));
    }
    for (uint32_t i = 0; i < load->outputs.count; i++) {
        self->output_place[i] =
            resolve(load, (uint32_t)fb_element_i32(&load->fb, load->outputs, i));
    }
    for (uint32_t i = 0; i < self->states; i++) {
        tflm_state_t *state = (tflm_state_t *)(void *)(load->arena + self->states_at) + i;
        state->place = resolve(load, state->place);
    }
}

void tflm_arena_message(tflm_t *self, size_t given_bytes, size_t needed_bytes) {
    tflm_load_t load;
    load.self = self;
    tflm_fail(&load, TFLM_ERROR_ARENA, "arena %u bytes given, %u needed", (uint32_t)given_bytes,
              (uint32_t)needed_bytes);
}

static uint32_t skip_to_alignment(const void *arena) {
    return (uint32_t)(-(uintptr_t)arena & (TFLM_ARENA_ALIGNMENT - 1));
}

static tflm_status_t load_model(tflm_load_t *load) {
    tflm_t *self = load->self;
    TRY(read_model(load));
    TRY(make_slots(load));
    TRY(find_lifetimes(load));
    TRY(prepare_operators(load));
    if (load->flags & TFLM_KEEP_ALL) {
        for (uint32_t i = 0; i < load->slot_count; i++) {
            if (is_live(&load->slots[i])) {
                load->slots[i].first = 0;
                load->slots[i].last = (uint16_t)load->operators.count;
            }
        }
    }
    self->states_at = load->used;
    self->states = load->state_count;
    // Each of these is at most 2^31, or little more.
    uint32_t base = load->used + self->states * (uint32_t)sizeof(tflm_state_t);
    tflm_state_t *states = (tflm_state_t *)(void *)(load->arena + self->states_at);
    TRY(tflm_write_states(load, base <= load->limit ? states : NULL));
    base = tflm_align(base, TFLM_ARENA_ALIGNMENT);
    uint32_t slots = load->slot_count * (uint32_t)sizeof(tflm_slot_t) + 3;
    slots = load->flags & TFLM_KEEP_ALL ? 0 : slots;
    uint32_t need = tflm_plan(load, base);
    if (need < base + slots) {
        need = base + slots;
    }
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
    if (load->flags & TFLM_KEEP_ALL) {
        for (uint32_t i = 0; i < load->slot_count; i++) {
            load->slots[i].next = is_live(&load->slots[i]) || is_constant(&load->slots[i]);
            load->slots[i].bytes = resolve(load, i);
        }
    }
    memset(load->arena + base, 0, self->arena_bytes - base);
    self->record = self->records_at;
    return TFLM_OK;
}

tflm_status_t tflm_load(tflm_t *self, const void *model, size_t model_bytes, void *arena,
                        size_t arena_bytes, unsigned flags) {
    memset(self, 0, sizeof *self);
    tflm_load_t load;
    memset(&load, 0, sizeof load);
    load.self = self;
    load.flags = flags;
    uint32_t padding = arena ? skip_to_alignment(arena) : 0;
    if (arena_bytes > TFLM_PLACE_MODEL - 1) {
        arena_bytes = TFLM_PLACE_MODEL - 1;
    }
    if (padding > arena_bytes) {
        padding = 0;
        arena_bytes = 0;
    }
    self->arena_padding = (uint8_t)padding;
    load.arena = arena ? (uint8_t *)arena + padding : NULL;
    load.arena_size = (uint32_t)arena_bytes - padding;
    if (model_bytes > TFLM_PLACE_MODEL - 1) {
        return tflm_fail(&load, TFLM_ERROR_MODEL, "the model is larger than 2 GB");
    }
    self->model_bytes = (uint32_t)model_bytes;
    load.fb.data = model;
    load.fb.size = (uint32_t)model_bytes;
    tflm_status_t status = load_model(&load);
    if (status != TFLM_OK) {
        return status;
    }
    return tflm_reset(self, model, model_bytes, arena, arena_bytes);
}

// Which vector of tensor numbers an index is of.
typedef enum { ALL, INPUTS, OUTPUTS } which_t;

static tflm_status_t describe(const void *model, size_t model_bytes, which_t which, unsigned index,
                              tflm_tensor_t *tensor) {
    tflm_t scratch;
    tflm_load_t load;
    memset(&load, 0, sizeof load);
    load.self = &scratch;
    load.fb.data = model;
    load.fb.size = model_bytes < TFLM_PLACE_MODEL ? (uint32_t)model_bytes : 0;
    TRY(read_model(&load));
    if (which != ALL) {
        index =
            (uint32_t)fb_element_i32(&load.fb, which == INPUTS ? load.inputs : load.outputs, index);
    }
    return load.fb.bad ? TFLM_ERROR_MODEL : tflm_read_tensor(&load, load.tensors, index, tensor);
}

tflm_status_t tflm_describe(const void *model, size_t model_bytes, bool output, unsigned index,
                            tflm_tensor_t *tensor) {
    return describe(model, model_bytes, output ? OUTPUTS : INPUTS, index, tensor);
}

static tflm_status_t find(const tflm_t *self, const void *model, size_t model_bytes, void *arena,
                          size_t arena_bytes, which_t which, unsigned index, uint32_t place,
                          tflm_tensor_t *tensor, void **data) {
    tflm_run_t run;
    TRY(tflm_open(self, model, model_bytes, arena, arena_bytes, &run));
    TRY(describe(model, self->model_bytes, which, index, tensor));
    *data = NULL;
    if (place != TFLM_PLACE_NONE) {
        // The model may have changed since it was loaded.
        uint64_t limit = place & TFLM_PLACE_MODEL ? self->model_bytes : self->arena_bytes;
        if ((place & ~TFLM_PLACE_MODEL) + (uint64_t)tensor->bytes > limit) {
            return TFLM_ERROR_MOVED;
        }
        *data = tflm_at(&run, place);
    }
    return TFLM_OK;
}

uint8_t *tflm_data(const tflm_t *self, const void *model, size_t model_bytes, void *arena,
                   size_t arena_bytes, uint32_t place) {
    tflm_run_t run;
    tflm_status_t status = tflm_open(self, model, model_bytes, arena, arena_bytes, &run);
    return status == TFLM_OK ? tflm_at(&run, place) : NULL;
}

tflm_status_t tflm_open(const tflm_t *self, const void *model, size_t model_bytes, void *arena,
                        size_t arena_bytes, tflm_run_t *run) {
    uint32_t padding = skip_to_alignment(arena);
    if (model_bytes < self->model_bytes || padding != self->arena_padding ||
        arena_bytes < (size_t)self->arena_bytes + padding) {
        return TFLM_ERROR_MOVED;
    }
    run->model = model;
    run->arena = (uint8_t *)arena + padding;
    return TFLM_OK;
}

tflm_status_t tflm_input(const tflm_t *self, const void *model, size_t model_bytes, void *arena,
                         size_t arena_bytes, unsigned index, tflm_tensor_t *tensor, void **data) {
    if (index >= self->inputs) {
        return TFLM_ERROR_MODEL;
    }
    return find(self, model, model_bytes, arena, arena_bytes, INPUTS, index,
                self->input_place[index], tensor, data);
}

tflm_status_t tflm_output(const tflm_t *self, const void *model, size_t model_bytes, void *arena,
                          size_t arena_bytes, unsigned index, tflm_tensor_t *tensor, void **data) {
    if (index >= self->outputs) {
        return TFLM_ERROR_MODEL;
    }
    return find(self, model, model_bytes, arena, arena_bytes, OUTPUTS, index,
                self->output_place[index], tensor, data);
}

tflm_status_t tflm_tensor(const tflm_t *self, const void *model, size_t model_bytes, void *arena,
                          size_t arena_bytes, unsigned index, tflm_tensor_t *tensor, void **data) {
    tflm_run_t run;
    TRY(tflm_open(self, model, model_bytes, arena, arena_bytes, &run));
    TRY(describe(model, self->model_bytes, ALL, index, tensor));
    const tflm_slot_t *slot = (const tflm_slot_t *)(const void *)run.arena + index;
    return find(self, model, model_bytes, arena, arena_bytes, ALL, index,
                slot->next ? slot->bytes : TFLM_PLACE_NONE, tensor, data);
}

int32_t tflm_operator_code(const void *model, size_t model_bytes, uint32_t index) {
    tflm_t scratch;
    tflm_load_t load;
    memset(&load, 0, sizeof load);
    load.self = &scratch;
    load.fb.data = model;
    load.fb.size = model_bytes > TFLM_PLACE_MODEL - 1 ? 0 : (uint32_t)model_bytes;
    uint32_t root;
    if (!open_model(&load.fb, &root)) {
        return -1;
    }
    load.codes = fb_field_vector(&load.fb, root, 1, 4);
    fb_vector_t subgraphs = fb_field_vector(&load.fb, root, 2, 4);
    for (uint32_t i = 0; i < subgraphs.count && !load.fb.bad; i++) {
        uint32_t subgraph = fb_element_table(&load.fb, subgraphs, i);
        fb_vector_t operators = fb_field_vector(&load.fb, subgraph, 3, 4);
        if (index < operators.count) {
            tflm_node_t node;
            tflm_status_t status = tflm_read_node(&load, operators, index, &node);
            return status == TFLM_OK || status == TFLM_ERROR_OPERATOR ? node.code : -1;
        }
        index -= operators.count;
    }
    return -1;
}
