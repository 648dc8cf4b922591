// SPDX-License-Identifier: Apache-2.0
// tflm: runs TensorFlow Lite models with the results of TensorFlow Lite Micro, byte for byte.
//
// A model is read where it lies, at any alignment, and never copied. All other memory is one arena
// that the caller owns. Nothing here keeps a pointer between calls: the caller passes model and
// arena each time, so they may live in buffers of a garbage-collected language.
#ifndef TFLM_H
#define TFLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TFLM_MAX_RANK 6
#define TFLM_MAX_TENSORS 4096
#define TFLM_MAX_OPERATORS 1024
#define TFLM_MAX_IO 16
#define TFLM_ARENA_ALIGNMENT 16
// Room for the longest message.
#define TFLM_MESSAGE_BYTES 160

typedef enum {
    TFLM_OK = 0,
    TFLM_ERROR_MODEL,       // Malformed, or not what the format allows.
    TFLM_ERROR_UNSUPPORTED, // Well-formed, but not implemented here.
    TFLM_ERROR_OPERATOR,    // As above: a whole operator that is missing.
    TFLM_ERROR_ARENA,       // Too small.
    TFLM_ERROR_MOVED,       // The arena's alignment changed, or a buffer shrank.
} tflm_status_t;

// Numbered as in the TensorFlow Lite schema.
typedef enum {
    TFLM_FLOAT32 = 0,
    TFLM_INT32 = 2,
    TFLM_UINT8 = 3,
    TFLM_INT64 = 4,
    TFLM_BOOL = 6,
    TFLM_INT16 = 7,
    TFLM_INT8 = 9,
    TFLM_RESOURCE = 13,
    TFLM_INT4 = 17, // Constants only: two in a byte, the first in the low half.
} tflm_type_t;

// Load flags.
#define TFLM_KEEP_ALL 1 // Every tensor keeps its own memory, so that `tflm_find` finds it later.

// What looks into models, and boards have no use for, is there only with -DTFLM_FOR_TOOLS=1:
// TFLM_KEEP_ALL, and the functions at the end.
#ifndef TFLM_FOR_TOOLS
#define TFLM_FOR_TOOLS 0
#endif

// Kinds of tensors that tflm_find counts.
typedef enum {
    TFLM_INPUT,
    TFLM_OUTPUT,
    TFLM_TENSOR, // Of the main subgraph.
} tflm_which_t;

// Where model and arena are. Said on every call, so they may move.
typedef struct {
    const void *model;
    size_t model_bytes;
    void *arena;
    size_t arena_bytes;
} tflm_buffers_t;

// A tensor as the model describes it.
typedef struct {
    tflm_type_t type;
    uint32_t rank; // 0: a scalar
    int32_t dims[TFLM_MAX_RANK];
    uint32_t elements;
    uint32_t bytes;
    float scale; // 0: not quantized
    int32_t zero_point;
    uint32_t scales;      // Number of scales; more than one: per channel.
    uint32_t scale_at;    // Where in the model they are.
    int32_t scale_axis;   // The dimension that they go with.
    uint32_t data_at;     // Where in the model constant data is; 0: none.
    uint32_t name_at;     // Where in the model the name is, not terminated.
    uint32_t name_length; // in bytes
    bool is_variable;
} tflm_tensor_t;

// A loaded model. Plain data: no pointers.
typedef struct {
    uint32_t model_bytes;
    uint32_t arena_bytes;             // Needed, without what aligning the arena's start costs.
    uint32_t arena_padding;           // Bytes skipped at the arena's start.
    uint32_t records_at, records_end; // Operator records in the arena.
    uint32_t states_at, states;       // What `tflm_reset` has to restore.
    uint32_t record, row;             // How far a sliced inference has come.
    uint32_t counts[2];               // Of inputs and outputs, by tflm_which_t.
    uint64_t macs;                    // Multiply-accumulates an inference.
    uint8_t code;                     // Of the last operator run.
    bool arena_exact;                 // False: arena_bytes is only what it takes to find out.
    char message[TFLM_MESSAGE_BYTES];
    // Where inputs and outputs are: a place, see record.h.
    uint32_t places[2][TFLM_MAX_IO];
} tflm_t;

// Checks a model, plans its memory, and prepares every operator. On TFLM_ERROR_ARENA,
// self->arena_bytes tells how much is needed if self->arena_exact, else how large an arena it takes
// to find out. On any error self->message says what is wrong.
tflm_status_t tflm_load(tflm_t *self, const tflm_buffers_t *buffers, unsigned flags);

// Runs a slice: of a deep convolution about max_macs multiply-accumulates, of anything else what
// takes at most as long; at least one row of one operator. The measure, with which prepare states
// what a row costs: one of it takes at most 1.6 instructions of a Cortex-M55 and 3 of a Cortex-M4.
// Sets *done, whether the inference is complete.
tflm_status_t tflm_step(tflm_t *self, const tflm_buffers_t *buffers, uint32_t max_macs, bool *done);

// For max_macs: all that is left of an inference, with nothing begun a whole one; or the next
// operator, or what is left of that.
#define TFLM_ALL_MACS UINT32_MAX
#define TFLM_ONE_OPERATOR 0

// Puts the streaming state back to the start and gives up a sliced inference.
tflm_status_t tflm_reset(tflm_t *self, const tflm_buffers_t *buffers);

// Describes a tensor, and says where its bytes are. TFLM_TENSOR needs TFLM_KEEP_ALL; *data is NULL
// for tensors without memory.
tflm_status_t tflm_find(const tflm_t *self, const tflm_buffers_t *buffers, tflm_which_t which,
                        unsigned index, tflm_tensor_t *tensor, void **data);

// The bytes behind one of self->places, or behind such a place and less than the tensor's size;
// NULL when a buffer moved or shrank.
uint8_t *tflm_data(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t place);

// Says in self->message that an arena is too small.
void tflm_arena_message(tflm_t *self, size_t given_bytes, size_t needed_bytes);

// The bytes of an element; 0 for types that have none of their own, or are not supported.
unsigned tflm_type_bytes(tflm_type_t type);
const char *tflm_type_name(tflm_type_t type);

// The name of operator `index`; *name is NULL past the end.
tflm_status_t tflm_operator(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t index,
                            const char **name);

// The name of an operator code; NULL when unknown.
const char *tflm_operator_name(int32_t code);

// The names of the operators that can be run, in ascending order; NULL past the end.
const char *tflm_supported_name(unsigned index);

#if TFLM_FOR_TOOLS
// The code of operator `index` of the model, all subgraphs in a row; -1 past the end or when the
// model is malformed.
int32_t tflm_operator_code(const void *model, size_t model_bytes, uint32_t index);

// Describes a tensor of a model that need not be one that can be run.
tflm_status_t tflm_describe(const void *model, size_t model_bytes, tflm_which_t which,
                            unsigned index, tflm_tensor_t *tensor);

// The code of the operator record at *record, and moves *record on; -1 past the end. Start with
// self->records_at. Operators that need no work have no record.
int32_t tflm_record_code(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t *record);
#endif

// Lets kernels for a vector unit be used, or not; gives whether they are: on an ESP32-S3 on which
// they give what plain C gives. Without this they are, where that is so.
bool tflm_use_vectors(bool allow);

#endif
