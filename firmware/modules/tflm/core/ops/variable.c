// SPDX-License-Identifier: Apache-2.0
// Streaming state: CALL_ONCE, VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE.
//
// A variable is a slot that lives for ever. Where nothing can tell the difference, reading it gives
// its own memory, and what is assigned to it is computed in place; then neither costs a copy. A
// streaming model mostly keeps the end of a concatenation: old state and new rows in, new state
// out. The variable then lies at the end of the whole, and reading it, which comes first of all,
// moves it to the front.
#include <string.h>

#include "../model.h"
#include "../schema.h"
#include "../share.h"
#include "move.h"
#include "variable.h"

enum { MAX_VARIABLES = 256 };

// Whether two tables of VarHandleOptions name the same variable, by container and name.
static bool same_name(fb_t *fb, uint32_t a, uint32_t b) {
    static const uint8_t fields[] = {FB_VECTOR_1(0), FB_VECTOR_1(1), 0};
    fb_vector_t of_a[2], of_b[2];
    fb_fields(fb, a, fields, &of_a->at);
    fb_fields(fb, b, fields, &of_b->at);
    for (unsigned i = 0; i < 2; i++) {
        if (of_a[i].count != of_b[i].count ||
            memcmp(fb->data + of_a[i].at, fb->data + of_b[i].at, of_a[i].count)) {
            return false;
        }
    }
    return true;
}

// Returns the slot of a variable with these options.
static uint32_t find_variable(tflm_load_t *load, uint32_t options) {
    uint32_t end = load->main.tensors.count + load->variable_count;
    for (uint32_t i = load->main.tensors.count; i < end; i++) {
        if (same_name(&load->fb, load->slots[i].lead, options)) {
            return i;
        }
    }
    return TFLM_NO_TENSOR;
}

TFLM_PREPARE(var_handle) {
    tflm_load_t *load = node->load;
    if (!node->planning) {
        return TFLM_OK; // There is a slot for one variable.
    }
    TRY(tflm_expect(node, 0, 0, 1));
    tflm_slot_t *handle = &load->slots[tflm_node_output(node, 0)];
    if (handle->bytes) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the output is no resource");
    }
    uint32_t variable = find_variable(load, node->options);
    if (variable == TFLM_NO_TENSOR) {
        if (load->variable_count++ == MAX_VARIABLES) {
            return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "more than %u variables",
                                  MAX_VARIABLES);
        }
        variable = load->slots_used++;
        tflm_slot_t *slot = &load->slots[variable];
        slot->lead = node->options;
        slot->first = 0;
        slot->last = (uint16_t)load->main.operators.count;
        load->state_count++;
    }
    handle->root = (uint16_t)variable;
    return TFLM_OK;
}

// Gives the variable behind the handle that a node reads; tensor `value` is its value.
static tflm_status_t get_variable(tflm_node_t *node, uint32_t value, uint32_t *variable) {
    tflm_load_t *load = node->load;
    uint32_t handle = tflm_node_input(node, 0);
    *variable = handle == TFLM_NO_TENSOR ? handle : load->slots[handle].root;
    if (handle == TFLM_NO_TENSOR || *variable < load->main.tensors.count) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the first input is no variable");
    }
    tflm_slot_t *slot = &load->slots[*variable];
    if (slot->bytes && slot->bytes != load->slots[value].bytes) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u bytes, the variable has %u",
                              load->slots[value].bytes, slot->bytes);
    }
    slot->bytes = load->slots[value].bytes;
    if (!slot->bytes) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the value is no data");
    }
    return TFLM_OK;
}

// Copies a whole tensor or variable to another, unless they share memory.
static tflm_status_t copy(tflm_node_t *node, uint32_t to, uint32_t from) {
    tflm_box_t box = {.rank = 1, .dims = {(int32_t)node->load->slots[to].bytes}};
    box.to_steps[0] = box.from_steps[0] = 1;
    return tflm_emit_move(node, to, from, &box, 1);
}

TFLM_PREPARE(read_variable) {
    tflm_load_t *load = node->load;
    TRY(tflm_expect(node, 1, 1, 1));
    uint32_t value = tflm_node_output(node, 0);
    uint32_t variable;
    TRY(get_variable(node, value, &variable));
    if (node->planning) {
        tflm_read_in_place(node, value, variable);
        return TFLM_OK;
    }
    // If they overlap, an inference begins by moving the variable away.
    bool early = tflm_root(load, value) == tflm_root(load, variable);
    return early == node->early ? copy(node, value, variable) : TFLM_OK;
}

TFLM_PREPARE(assign_variable) {
    tflm_load_t *load = node->load;
    TRY(tflm_expect(node, 2, 2, 0));
    uint32_t value = tflm_node_input(node, 1);
    if (value == TFLM_NO_TENSOR) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "the value is missing");
    }
    uint32_t variable;
    TRY(get_variable(node, value, &variable));
    if (node->planning) {
        load->slots[variable].lag = load->slots[value].lag;
        tflm_assign_in_place(node, variable, value);
        return TFLM_OK;
    }
    return copy(node, variable, value);
}

TFLM_PREPARE(call_once) {
    if (fb_field_i32(&node->load->fb, node->options, 0, 0) != 1) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "no such subgraph");
    }
    return TFLM_OK;
}

// Each variable starts as what the subgraph of CALL_ONCE assigns to it, else as its zero point, as
// in tensorflow/lite/micro/micro_resource_variable.cc.
tflm_status_t tflm_first_values(tflm_load_t *load) {
    for (uint32_t i = 0; i < load->init.operators.count; i++) {
        tflm_node_t assign;
        TRY(tflm_read_node(load, &load->init, i, &assign));
        uint32_t kind = assign.kernel->flags;
        if (!(kind & (TFLM_HANDLES | TFLM_ASSIGNS))) {
            return tflm_node_fail(&assign, TFLM_ERROR_UNSUPPORTED,
                                  "CALL_ONCE may only assign constants to variables");
        }
        for (uint32_t j = 0; kind & TFLM_ASSIGNS && j < load->init.operators.count; j++) {
            tflm_node_t handle;
            TRY(tflm_read_node(load, &load->init, j, &handle));
            if (handle.code != TFLM_CODE_VAR_HANDLE ||
                tflm_node_output(&handle, 0) != tflm_node_input(&assign, 0)) {
                continue;
            }
            uint32_t variable = find_variable(load, handle.options);
            if (variable == TFLM_NO_TENSOR) {
                continue;
            }
            tflm_tensor_t value;
            TRY(tflm_read_tensor(load, &load->init, tflm_node_input(&assign, 1), &value));
            tflm_slot_t *slot = &load->slots[variable];
            if (!value.data_at || value.bytes != slot->bytes) {
                return tflm_node_fail(&assign, TFLM_ERROR_UNSUPPORTED,
                                      "CALL_ONCE may only assign constants to variables");
            }
            slot->lag = value.data_at | TFLM_PLACE_MODEL;
        }
    }
    return TFLM_OK;
}
