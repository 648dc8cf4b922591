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
#define TFLM_KEEP_ALL 1 // Every tensor keeps its own memory, so that tflm_find can find it.

// With -DTFLM_FOR_TOOLS=1 there is also what inspects models, for which boards have no use:
// TFLM_KEEP_ALL, and the functions at the end.
#ifndef TFLM_FOR_TOOLS
#define TFLM_FOR_TOOLS 0
#endif

// Kinds of tensors that tflm_find counts.
typedef enum {
    TFLM_INPUT,
    TFLM_OUTPUT,
    TFLM_TENSOR, // A tensor of the main subgraph.
} tflm_which_t;

// Where model and arena are. Passed on every call, so they may move.
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
    uint32_t scale_at;    // Where they are in the model.
    int32_t scale_axis;   // The dimension that they go with.
    uint32_t data_at;     // Where constant data is in the model; 0: none.
    uint32_t name_at;     // Where the name is in the model, without a terminator.
    uint32_t name_length; // in bytes
    bool is_variable;
} tflm_tensor_t;

// A loaded model. Plain data: no pointers.
typedef struct {
    uint32_t model_bytes;
    uint32_t arena_bytes;             // Without what aligning the arena's start costs.
    uint32_t arena_padding;           // Bytes skipped at the arena's start.
    uint32_t records_at, records_end; // Operator records in the arena.
    uint32_t states_at, states;       // What `tflm_reset` has to restore.
    uint32_t record, row;             // The progress of an inference in slices.
    uint32_t counts[2];               // Of inputs and outputs, by tflm_which_t.
    uint64_t macs;                    // Multiply-accumulates for one inference.
    uint8_t code;                     // Of the last operator run.
    bool arena_exact;                 // False: arena_bytes is only enough to find out.
    char message[TFLM_MESSAGE_BYTES];
    // The places of inputs and outputs; see record.h.
    uint32_t places[2][TFLM_MAX_IO];
} tflm_t;

// Checks a model, plans its memory, and prepares every operator. On TFLM_ERROR_ARENA,
// self->arena_bytes is the size needed if self->arena_exact is set, else the size with which
// loading can find that out. On any error, self->message says what is wrong.
tflm_status_t tflm_load(tflm_t *self, const tflm_buffers_t *buffers, unsigned flags);

// Runs a slice of at least one row of one operator. In a deep convolution it takes about max_macs
// multiply-accumulates; in other operators, at most the same time. The unit is that of a row's
// cost, which prepare states: one takes at most 1.6 instructions of a Cortex-M55 and 3 of a
// Cortex-M4. Sets *done to whether the inference is complete.
tflm_status_t tflm_step(tflm_t *self, const tflm_buffers_t *buffers, uint32_t max_macs, bool *done);

// Values for max_macs: the rest of an inference, or a whole one if none has begun; and the next
// operator, or the rest of it.
#define TFLM_ALL_MACS UINT32_MAX
#define TFLM_ONE_OPERATOR 0

// Restores the streaming state to its start, and abandons an inference in slices.
tflm_status_t tflm_reset(tflm_t *self, const tflm_buffers_t *buffers);

// Describes a tensor, and gives where its bytes are. TFLM_TENSOR needs TFLM_KEEP_ALL; *data is NULL
// for tensors without memory.
tflm_status_t tflm_find(const tflm_t *self, const tflm_buffers_t *buffers, tflm_which_t which,
                        unsigned index, tflm_tensor_t *tensor, void **data);

// Returns the bytes at one of self->places, or at an offset from it that is smaller than the
// tensor; NULL if a buffer has moved or shrunk.
uint8_t *tflm_data(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t place);

// Writes to self->message that an arena is too small.
void tflm_arena_message(tflm_t *self, size_t given_bytes, size_t needed_bytes);

// Returns the bytes of an element; 0 for types whose elements are not whole bytes, or that are not
// supported.
unsigned tflm_type_bytes(tflm_type_t type);
const char *tflm_type_name(tflm_type_t type);

// Gives the name of operator `index`; *name is NULL past the end.
tflm_status_t tflm_operator(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t index,
                            const char **name);

// Returns the name of an operator code; NULL when unknown.
const char *tflm_operator_name(int32_t code);

// Returns the names of the supported operators, in ascending order; NULL past the end.
const char *tflm_supported_name(unsigned index);

#if TFLM_FOR_TOOLS
// Returns the code of operator `index` of the model, counted over all subgraphs; -1 past the end or
// if the model is malformed.
int32_t tflm_operator_code(const void *model, size_t model_bytes, uint32_t index);

// Describes a tensor of a model, which need not be one that tflm can run.
tflm_status_t tflm_describe(const void *model, size_t model_bytes, tflm_which_t which,
                            unsigned index, tflm_tensor_t *tensor);

// Returns the code of the operator record at *record, and moves *record on; -1 past the end. Start
// with self->records_at. Operators that need no work have no record.
int32_t tflm_record_code(const tflm_t *self, const tflm_buffers_t *buffers, uint32_t *record);
#endif

// Allows or forbids kernels for a vector unit; returns whether they are used. They are by default,
// on an ESP32-S3 on which they compute what plain C does.
bool tflm_use_vectors(bool allow);

#endif
