// SPDX-License-Identifier: Apache-2.0
// Tensors and operators of a model, through checked reads. Field numbers are those of the schema,
// tensorflow/lite/schema/schema.fbs.
#include "model.h"

#include <string.h>

#include "kernels.h"
#include "message.h"
#include "types.h"

enum { BYTES_MAX = 0x7fffff00 };

uint32_t tflm_open_model(tflm_load_t *load, tflm_t *self, const void *model, size_t model_bytes) {
    static const char identifier[] = "TFL3";
    memset(load, 0, sizeof *load);
    load->self = self;
    load->fb.data = model;
    load->fb.size = model_bytes < TFLM_PLACE_MODEL ? (uint32_t)model_bytes : 0;
    uint32_t root = fb_follow(&load->fb, 0);
    static const uint8_t fields[] = {FB_I32(0), FB_VECTOR_4(1), FB_VECTOR_4(2), FB_VECTOR_4(4), 0};
    fb_fields(&load->fb, root, fields, &load->version);
    return fb_u32(&load->fb, 4) == tflm_load_u32((const uint8_t *)identifier) ? root : 0;
}

bool tflm_read_graph(tflm_load_t *load, uint32_t i, tflm_graph_t *graph) {
    static const uint8_t fields[] = {FB_VECTOR_4(0), FB_VECTOR_4(1), FB_VECTOR_4(2), FB_VECTOR_4(3),
                                     0};
    fb_fields(&load->fb, fb_element_table(&load->fb, load->graphs, i), fields, &graph->tensors.at);
    return !load->fb.bad;
}

tflm_status_t tflm_read_model(tflm_load_t *load, tflm_t *self, const void *model,
                              size_t model_bytes) {
    if (!tflm_open_model(load, self, model, model_bytes)) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "not a .tflite model, or larger than 2 GB");
    }
    if (load->version != 3) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "schema version %d, not 3", load->version);
    }
    if (load->graphs.count > 2) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "%u subgraphs, at most 2",
                         load->graphs.count);
    }
    tflm_read_graph(load, 1, &load->init);
    if (!tflm_read_graph(load, 0, &load->main) || !load->main.tensors.count) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "malformed model: subgraphs");
    }
    self->counts[TFLM_INPUT] = load->main.inputs.count;
    self->counts[TFLM_OUTPUT] = load->main.outputs.count;
    if (load->main.tensors.count > TFLM_MAX_TENSORS ||
        load->main.operators.count > TFLM_MAX_OPERATORS ||
        load->init.operators.count > TFLM_MAX_OPERATORS || self->counts[TFLM_INPUT] > TFLM_MAX_IO ||
        self->counts[TFLM_OUTPUT] > TFLM_MAX_IO) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED,
                         "too many tensors, operators, inputs or outputs");
    }
    return TFLM_OK;
}

uint32_t tflm_io_tensor(tflm_load_t *load, tflm_which_t which, uint32_t index) {
    return (uint32_t)fb_element_i32(
        &load->fb, which == TFLM_INPUT ? load->main.inputs : load->main.outputs, index);
}

static bool is_packed(tflm_type_t type) {
#ifdef TFLM_WITHOUT_INT4
    (void)type;
    return false;
#else
    return type == TFLM_INT4;
#endif
}

// Reads a tensor's fields; returns what is wrong with it, or NULL.
static const char *read_tensor(tflm_load_t *load, uint32_t table, tflm_tensor_t *tensor,
                               tflm_status_t *status) {
    fb_t *fb = &load->fb;
    memset(tensor, 0, sizeof *tensor);
    struct {
        fb_vector_t shape, name;
        uint32_t type, buffer, quantization, is_variable, sparsity;
    } raw;
    static const uint8_t fields[] = {FB_VECTOR_4(0), FB_VECTOR_1(3), FB_U8(1),    FB_I32(2),
                                     FB_TABLE(4),    FB_U8(5),       FB_TABLE(6), 0};
    fb_fields(fb, table, fields, &raw.shape.at);
    tensor->type = (tflm_type_t)raw.type;
    tensor->rank = raw.shape.count;
    tensor->name_at = raw.name.at;
    tensor->name_length = raw.name.count;
    tensor->is_variable = raw.is_variable;

    struct {
        fb_vector_t scales, zero_points;
        uint32_t axis, custom;
    } quantization;
    static const uint8_t quantization_fields[] = {FB_VECTOR_4(2), FB_VECTOR_8(3), FB_I32(6),
                                                  FB_U8(4), 0};
    fb_fields(fb, raw.quantization, quantization_fields, &quantization.scales.at);
    tensor->scale_axis = (int32_t)quantization.axis;
    // Without either of them the tensor is not quantized, as in TensorFlow Lite Micro.
    if (quantization.scales.count && quantization.zero_points.count) {
        tensor->scales = quantization.scales.count;
        tensor->scale_at = quantization.scales.at;
        tensor->scale = fb_f32(fb, tensor->scale_at);
        tensor->zero_point = fb_i64(fb, quantization.zero_points.at);
    }

    struct {
        fb_vector_t data;
        uint32_t offset;
    } buffer;
    static const uint8_t buffer_fields[] = {FB_VECTOR_1(0), FB_I32(1), 0};
    fb_fields(fb, fb_element_table(fb, load->buffers, raw.buffer), buffer_fields, &buffer.data.at);
    tensor->data_at = buffer.data.count ? buffer.data.at : 0;

    *status = TFLM_ERROR_UNSUPPORTED;
    if (raw.shape.count > TFLM_MAX_RANK) {
        return "too many dimensions";
    }
    if (raw.sparsity) {
        return "sparse";
    }
    if (quantization.custom) {
        return "custom quantization";
    }
    if (buffer.offset > 1) {
        return "data outside the model";
    }
    uint32_t size = tflm_type_bytes(tensor->type);
    if (is_packed(tensor->type)) {
        if (!tensor->data_at) {
            return "int4, but not constant";
        }
    } else if (!size && tensor->type != TFLM_RESOURCE) {
        return "type %u does not run here";
    }
    *status = TFLM_ERROR_MODEL;
    bool empty = false;
    uint32_t elements = 1, most = BYTES_MAX / (size ? size : 1);
    for (uint32_t i = 0; i < raw.shape.count; i++) {
        uint32_t dim = (uint32_t)fb_element_i32(fb, raw.shape, i);
        if (dim > most / elements) {
            return "a dimension is below 0 or too large";
        }
        tensor->dims[i] = (int32_t)dim;
        elements *= dim ? dim : 1;
        empty |= !dim;
    }
    // An empty tensor is allowed, but no operator may use it.
    elements = empty ? 0 : elements;
    tensor->elements = elements;
    tensor->bytes = is_packed(tensor->type) ? (elements + 1) / 2 : elements * size;
    if (raw.buffer >= load->buffers.count) {
        return "no such buffer";
    }
    if (tensor->data_at && buffer.data.count < tensor->bytes) {
        return "less data than its shape needs";
    }
    return fb->bad ? "malformed" : NULL;
}

tflm_status_t tflm_read_tensor(tflm_load_t *load, const tflm_graph_t *graph, uint32_t index,
                               tflm_tensor_t *tensor) {
    if (index >= graph->tensors.count) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "tensor %d of %u", (int32_t)index,
                         graph->tensors.count);
    }
    tflm_status_t status;
    const char *wrong =
        read_tensor(load, fb_element_table(&load->fb, graph->tensors, index), tensor, &status);
    return wrong ? tflm_fail(load, status, "tensor %u: %+", index, wrong, tensor->type) : TFLM_OK;
}

tflm_status_t tflm_read_node(tflm_load_t *load, const tflm_graph_t *graph, uint32_t i,
                             tflm_node_t *node) {
    fb_t *fb = &load->fb;
    memset(node, 0, sizeof *node);
    node->load = load;
    node->index = i;
    node->rows = 1;
    static const uint8_t fields[] = {FB_TABLE(4), FB_VECTOR_4(1), FB_VECTOR_4(2), 0};
    static const uint8_t other_fields[] = {FB_I32(0), FB_U8(3), 0};
    static const uint8_t code_fields[] = {FB_I32(3), FB_U8(0), 0};
    uint32_t table = fb_element_table(fb, graph->operators, i);
    fb_fields(fb, table, fields, &node->options);
    uint32_t other[2], codes[2]; // Index of the code, type of options; code, old code.
    fb_fields(fb, table, other_fields, other);
    uint32_t code = fb_element_table(fb, load->codes, other[0]);
    fb_fields(fb, code, code_fields, codes);
    // Codes below 127 are in the older, one byte wide field; the larger of both counts.
    node->code = (int32_t)codes[0];
    if (node->code < (int8_t)codes[1]) {
        node->code = (int8_t)codes[1];
    }
    if (fb->bad || !code) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "operator %u: malformed", i);
    }
    node->kernel = tflm_find_kernel(node->code, 0);
    if (!node->kernel) {
        const char *name = tflm_operator_name(node->code);
        return tflm_fail(load, TFLM_ERROR_OPERATOR,
                         name ? "op %s is not supported" : "op %d is not supported",
                         name ? (uintptr_t)name : (uintptr_t)node->code);
    }
    uint32_t type = other[1];
    uint8_t expected = node->kernel->options;
    if (expected && type && type != expected) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "has another operator's options");
    }
    if (!type) {
        node->options = 0;
    }
    return TFLM_OK;
}
