// SPDX-License-Identifier: Apache-2.0
// A model while it is loaded, and one of its operators while it is prepared. `prepare` reads the
// model with checks, and refuses what it cannot do.
#ifndef TFLM_NODE_H
#define TFLM_NODE_H

#include "flatbuffer.h"
#include "kernel.h"

#define TFLM_NO_TENSOR 0xffff

#define TRY(call)                                                                                  \
    do {                                                                                           \
        tflm_status_t status_ = (call);                                                            \
        if (status_ != TFLM_OK) {                                                                  \
            return status_;                                                                        \
        }                                                                                          \
    } while (0)

// While loading, a tensor that has memory.
typedef struct {
    uint32_t place; // Relative to the root's, or where in the model; the plan gives roots theirs.
    uint32_t bytes;
    uint32_t lead, lag;   // How far it has to begin before `over`, or after; see plan.c. Of a
                          // variable: where its options are, and what it starts as.
    uint16_t first, last; // Operators between which it lives; first > last: never used.
    uint16_t root;        // The tensor whose memory it shares, or itself.
    uint16_t next;        // The next of the tensors placed so far, in the order of their places.
    uint16_t over;        // The input that it may overwrite, or itself for none.
    uint16_t pinned;      // Why its place is not free to choose; see below.
} tflm_slot_t;

static inline bool tflm_is_live(const tflm_slot_t *slot) {
    return slot->first <= slot->last;
}

enum {
    TFLM_PINNED_INPUT = 1, // An input, which is written before the first operator.
    TFLM_PINNED_STATE = 2, // A tensor that operators change.
    TFLM_PINNED_PLACE = 4, // Its place is known: a constant, or a root that has been planned.
};

// The fields of a SubGraph, from field 0 on.
typedef struct {
    fb_vector_t tensors, inputs, outputs, operators;
} tflm_graph_t;

typedef struct {
    fb_t fb;
    tflm_graph_t main;
    tflm_t *self;
    // The slots of the main subgraph's tensors, then of variables, then of scratch tensors.
    tflm_slot_t *slots;
    uint32_t variable_count, slots_used, slot_count;
    uint32_t used;  // Arena bytes taken so far; past `limit` they are only counted.
    uint32_t limit; // Where the slots begin.
    uint8_t *arena; // Aligned.
    uint32_t arena_size;
    uint32_t state_count;
    uint32_t version;
    fb_vector_t codes, graphs, buffers;
    tflm_graph_t init; // What CALL_ONCE runs.
    unsigned flags;
} tflm_load_t;

static inline bool tflm_keeps_all(const tflm_load_t *load) {
    return TFLM_FOR_TOOLS && load->flags & TFLM_KEEP_ALL;
}

// A node while it is prepared. `prepare` sets rows, and cost or macs, before tflm_node_data.
struct tflm_node {
    tflm_load_t *load;
    uint32_t options; // The table of builtin options; 0: none.
    fb_vector_t inputs, outputs;
    uint32_t index;
    int32_t code; // -1 for the pseudo-nodes that write the model's inputs and read its outputs.
    const tflm_kernel_t *kernel;
    uint32_t rows;
    uint64_t cost; // The cost of a row, see tflm_record_t; 0: macs / rows.
    uint64_t macs; // Of all rows together.
    bool overlaps; // Set by tflm_overlap; the output must then be the last of the record's places.
    // Nothing is emitted in this round: READ_VARIABLE, ASSIGN_VARIABLE and operators that only move
    // elements say which tensors can lie within others.
    bool planning;
    bool early;        // READ_VARIABLE is prepared before all other operators.
    uint32_t unpacked; // See tflm_node_unpacked.
};

// Returns where its int4 weights lie as int8; 0 if they are not int4.
static inline uint32_t tflm_node_unpacked(const tflm_node_t *node) {
#ifdef TFLM_WITHOUT_INT4
    (void)node;
    return 0;
#else
    return node->unpacked;
#endif
}

// Returns the number of input or output `i` among the main subgraph's tensors; TFLM_NO_TENSOR if it
// is left out.
uint32_t tflm_node_input(tflm_node_t *node, uint32_t i);
uint32_t tflm_node_output(tflm_node_t *node, uint32_t i);

// Returns the type of input 0 that the node's kernel is for: int8 or int16.
static inline tflm_type_t tflm_node_type(const tflm_node_t *node) {
#ifdef TFLM_WITHOUT_INT16
    (void)node;
    return TFLM_INT8;
#else
    return node->kernel->flags & TFLM_I16 ? TFLM_INT16 : TFLM_INT8;
#endif
}

#endif
