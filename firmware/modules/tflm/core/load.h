// SPDX-License-Identifier: Apache-2.0
// What operators see of the runtime: the description of a node while it is prepared, and records in
// the arena while it runs.
//
// `prepare` looks at the model through checked reads, refuses what it cannot do, and leaves
// everything `eval` needs in its record. `eval` reads nothing of the model but tensor data, so no
// model can lead it astray.
#ifndef TFLM_LOAD_H
#define TFLM_LOAD_H

#include "fixed.h"
#include "flatbuffer.h"
#include "tflm.h"

#define TFLM_NO_TENSOR 0xffff

// Builtin operator codes that loading itself has to know.
enum {
    TFLM_CODE_TRANSPOSE_CONV = 67, // Input 2 is what the others have as input 0.
    TFLM_CODE_VAR_HANDLE = 142,
    TFLM_CODE_READ_VARIABLE = 143,
    TFLM_CODE_ASSIGN_VARIABLE = 144,
};

// Compiled for size, in files of fast code, too.
#define TFLM_COLD __attribute__((cold))

#define TRY(call)                                                                                  \
    do {                                                                                           \
        tflm_status_t status_ = (call);                                                            \
        if (status_ != TFLM_OK) {                                                                  \
            return status_;                                                                        \
        }                                                                                          \
    } while (0)

// Where a tensor's bytes are: an offset in the arena or, with this bit, in the model.
#define TFLM_PLACE_MODEL 0x80000000u
#define TFLM_PLACE_NONE 0xffffffffu

// Model, arena and the finished plan, as seen by eval.
typedef struct {
    const uint8_t *model;
    uint8_t *arena;
} tflm_run_t;

TFLM_SHARED uint8_t *tflm_at(const tflm_run_t *run, uint32_t place) {
    // Constant tensors are never an output: nothing writes through this.
    return place & TFLM_PLACE_MODEL ? (uint8_t *)run->model + (place & ~TFLM_PLACE_MODEL)
                                    : run->arena + place;
}

// The start of an operator's record; its own data follows, then the next record.
typedef struct {
    uint32_t bytes; // Of the record with its data.
    uint32_t rows;  // Parts that eval can be called for.
    uint32_t cost;  // Of one row; see tflm_step.
    uint8_t kernel;
    uint8_t backwards; // Rows run from the last to the first.
    uint16_t places;   // Words at the start of the data that are places.
} tflm_record_t;

// What tflm_reset restores: a place, and what its bytes start as: a place in the model, or all of
// them a number below 256.
typedef struct {
    uint32_t place, bytes, start;
} tflm_state_t;

// While loading, a tensor that has memory.
typedef struct {
    uint32_t place; // Relative to the root's, or where in the model; the plan gives roots theirs.
    uint32_t bytes;
    uint32_t lead, lag;   // How far it has to begin before `over`, or after; see plan.c. Of a
                          // variable: where its options are, and what it starts as.
    uint16_t first, last; // Operators between which it lives; first > last: never used.
    uint16_t root;        // The tensor whose memory it shares; itself: its own.
    uint16_t next;        // Of the tensors placed so far, by place.
    uint16_t over;        // The input over which it may be written; itself: none.
    uint16_t pinned;      // Its place is not free to choose; see below.
} tflm_slot_t;

static inline bool tflm_is_live(const tflm_slot_t *slot) {
    return slot->first <= slot->last;
}

enum {
    TFLM_PINNED_INPUT = 1, // An input: written before the first operator.
    TFLM_PINNED_STATE = 2, // A tensor that operators change.
    TFLM_PINNED_PLACE = 4, // It has its place: a constant, or a root that is in the plan.
};

// As the fields of a SubGraph, from field 0 on.
typedef struct {
    fb_vector_t tensors, inputs, outputs, operators;
} tflm_graph_t;

typedef struct {
    fb_t fb;
    tflm_graph_t main;
    tflm_t *self;
    // Of the main subgraph's tensors, then of variables, then of scratch tensors.
    tflm_slot_t *slots;
    uint32_t variable_count, slots_used, slot_count;
    uint32_t used;  // Arena bytes taken so far; past `limit`, they are only counted.
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

// Flags of kernels.
#define TFLM_MOVES 1  // Only moves elements, by tflm_emit_move.
#define TFLM_REAL 2   // Where input 0 is float32.
#define TFLM_WIDE 4   // Where it is int16.
#define TFLM_PACKED 8 // Where it is neither, and input 1 is int4.
#define TFLM_VARIANTS (TFLM_REAL | TFLM_WIDE | TFLM_PACKED)
#define TFLM_HANDLES 16 // Is VAR_HANDLE, ASSIGN_VARIABLE, READ_VARIABLE.
#define TFLM_ASSIGNS 32
#define TFLM_READS 64

#if defined(TFLM_WITHOUT_FLOAT32) && defined(TFLM_WITHOUT_INT16) && defined(TFLM_WITHOUT_INT4)
#define TFLM_HAS_VARIANTS 0
#else
#define TFLM_HAS_VARIANTS 1
#endif

typedef struct tflm_node tflm_node_t;

typedef struct {
    uint8_t code;
    uint8_t options; // The type of its table of options; 0: they are not looked at.
    uint8_t slots;   // Variables and scratch tensors that prepare may ask for.
    uint8_t flags;
    const char *name;
    tflm_status_t (*prepare)(tflm_node_t *node);
    void (*eval)(const tflm_run_t *run, const void *data, uint32_t from, uint32_t to);
} tflm_kernel_t;

// A node while it is prepared. `prepare` sets rows, and cost or macs, before tflm_node_data.
struct tflm_node {
    tflm_load_t *load;
    uint32_t options; // The table of builtin options; 0: none.
    fb_vector_t inputs, outputs;
    uint32_t index;
    int32_t code; // -1: not an operator, but what gives the model its inputs or takes its outputs.
    const tflm_kernel_t *kernel;
    uint32_t rows;
    uint64_t cost; // Of a row, see tflm_record_t; 0: macs / rows.
    uint64_t macs; // Of all rows.
    bool overlaps; // By tflm_overlap; its output has to be the last of the record's places.
    // While nothing is emitted: READ_VARIABLE, ASSIGN_VARIABLE and what only moves elements say
    // which tensors can lie within others.
    bool planning;
    bool early; // READ_VARIABLE: before all operators that are not.
};

const tflm_kernel_t *tflm_kernel(uint32_t index);

// names.c: the name of any operator; NULL when unknown.
const char *tflm_other_name(int32_t code);

// The kernel for an operator and one of TFLM_VARIANTS, or 0; NULL: none.
const tflm_kernel_t *tflm_find_kernel(int32_t code, uint8_t variant);

// Ends loading with a message. Knows %s, %d (int32_t), %u (uint32_t), and %+: what follows is the
// format that is given here.
tflm_status_t tflm_fail(tflm_load_t *load, tflm_status_t status, const char *format, ...);

// As above, with the operator in front.
tflm_status_t tflm_node_fail(tflm_node_t *node, tflm_status_t status, const char *format, ...);

// As above, where shapes do not fit each other or what the operator does with them.
tflm_status_t tflm_unfit(tflm_node_t *node);

// As above, for an input and an output of types that do not go together.
tflm_status_t tflm_types_fail(tflm_node_t *node, const tflm_tensor_t *input,
                              const tflm_tensor_t *output);

// Begins reading a model: gives its root table; 0: it is none. `load` is cleared.
uint32_t tflm_open_model(tflm_load_t *load, tflm_t *self, const void *model, size_t model_bytes);

// Reads one of the subgraphs, an empty one where it is not there; false: malformed.
bool tflm_read_graph(tflm_load_t *load, uint32_t i, tflm_graph_t *graph);

// Reads everything of a model above single tensors and operators.
tflm_status_t tflm_read_model(tflm_load_t *load, tflm_t *self, const void *model,
                              size_t model_bytes);

// The number of an input or output of the model.
uint32_t tflm_io_tensor(tflm_load_t *load, tflm_which_t which, uint32_t index);

// Describes tensor `index` of a subgraph. Fails on anything malformed.
tflm_status_t tflm_read_tensor(tflm_load_t *load, const tflm_graph_t *graph, uint32_t index,
                               tflm_tensor_t *tensor);

// The number of input or output `i` among the main subgraph's tensors; TFLM_NO_TENSOR when it is
// left out.
uint32_t tflm_node_input(tflm_node_t *node, uint32_t i);
uint32_t tflm_node_output(tflm_node_t *node, uint32_t i);

// Describes input or output `i`; fails when it is left out.
tflm_status_t tflm_get_input(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor);
tflm_status_t tflm_get_output(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor);

// Fails unless the node has this many inputs (some of them may be -1) and outputs.
tflm_status_t tflm_expect(tflm_node_t *node, uint32_t inputs_min, uint32_t inputs_max,
                          uint32_t outputs);

// Describes the first inputs and output 0, and fails unless there are no more, by a letter for
// each: 'q' is of the type that the kernel is for, and quantized; 'a' may be anything; a capital
// has the shape of the first besides. '?' in front of the output's letter stands for an input that
// may be left out, and is not described.
tflm_status_t tflm_get_tensors(tflm_node_t *node, const char *kinds, tflm_tensor_t *tensors);

// Fails unless both have the same shape.
tflm_status_t tflm_expect_same_shape(tflm_node_t *node, const tflm_tensor_t *a,
                                     const tflm_tensor_t *b);

// Fails unless the tensor has one positive scale and its zero point fits its type.
tflm_status_t tflm_expect_quantized(tflm_node_t *node, const tflm_tensor_t *tensor);

// Counts an axis from the tensor's last dimension when it is negative; fails when there is none.
tflm_status_t tflm_axis(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *axis);

// The constant elements of an int32 tensor (or int64 that fit). Fails when it is not constant, or
// has more than `max` elements.
tflm_status_t tflm_constants(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *values,
                             uint32_t max);

// Makes room for an operator's data, zeroed; the first `places` words of it are tensor numbers, and
// eval finds their places there: the last is output 0, those before are inputs, from 0 on, unless
// the caller overwrites them. NULL when the arena is too small: then prepare has to return
// TFLM_OK, so that the rest is counted.
void *tflm_node_data(tflm_node_t *node, uint32_t places, uint32_t bytes);

// share.c: the tensor whose memory a tensor lies in, and where in it. The latter has to be asked
// after the former.
uint32_t tflm_root(tflm_load_t *load, uint32_t id);
uint32_t tflm_offset_in_root(const tflm_load_t *load, uint32_t id);

// Whether a part of a tensor already lies where a part of another does.
bool tflm_in_place(tflm_load_t *load, uint32_t to, uint32_t to_offset, uint32_t from,
                   uint32_t from_offset);

// While planning: lets one tensor lie within another where that spares moving `bytes` of `from` to
// `to`, and nothing speaks against it.
void tflm_share(tflm_node_t *node, uint32_t to, uint32_t to_offset, uint32_t from,
                uint32_t from_offset, uint32_t bytes);

// While planning: lets a variable lie where the value is that is assigned to it; then lets what is
// read from a variable lie where the variable is.
void tflm_assign_in_place(tflm_node_t *node, uint32_t variable, uint32_t value);
void tflm_read_in_place(tflm_node_t *node, uint32_t value, uint32_t variable);

// Lets output 0 lie over input 0 where that dies in this operator; see plan.c.
void tflm_overlap(tflm_node_t *node, uint32_t lead_bytes, uint32_t lag_bytes);

// Memory that lives only while this operator runs; gives a tensor number.
uint32_t tflm_scratch(tflm_node_t *node, uint32_t bytes);

// Reads operator `i` of a subgraph into `node`.
tflm_status_t tflm_read_node(tflm_load_t *load, const tflm_graph_t *graph, uint32_t i,
                             tflm_node_t *node);

// ops/variable.c: notes what CALL_ONCE assigns to variables.
tflm_status_t tflm_first_values(tflm_load_t *load);

// Checks that model and arena are still what they were, and where they are now.
tflm_status_t tflm_open(const tflm_t *self, const tflm_buffers_t *buffers, tflm_run_t *run);

// plan.c: gives each root its place from `base` on; returns the end.
uint32_t tflm_plan(tflm_load_t *load, uint32_t base);

// The type of input 0 that the node's kernel is for, where it has one for int8 and one for int16.
static inline tflm_type_t tflm_node_type(const tflm_node_t *node) {
#ifdef TFLM_WITHOUT_INT16
    (void)node;
    return TFLM_INT8;
#else
    return node->kernel->flags & TFLM_WIDE ? TFLM_INT16 : TFLM_INT8;
#endif
}

static inline uint32_t tflm_load_u32(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

// Element `i` of an integer tensor, at any alignment.
int32_t tflm_get(const void *data, uint32_t type, uint32_t i);

// The same of int16, for inner loops.
static inline int32_t tflm_int16(const void *data, uint32_t i) {
    const uint8_t *bytes = data;
    return (int16_t)(bytes[2 * (size_t)i] | bytes[2 * (size_t)i + 1] << 8);
}

// Sets element `i`, which is aligned.
void tflm_set(void *data, uint32_t type, uint32_t i, int32_t value);

// Bytes to skip at an arena's start.
static inline uint32_t tflm_padding(const void *arena) {
    return (uint32_t)(-(uintptr_t)arena & (TFLM_ARENA_ALIGNMENT - 1));
}

static inline uint32_t tflm_align(uint32_t x, uint32_t alignment) {
    return (x + alignment - 1) / alignment * alignment;
}

#endif
