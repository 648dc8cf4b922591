// SPDX-License-Identifier: Apache-2.0
// Tensors and operators of a model, through checked reads. Field numbers are those of the schema,
// tensorflow/lite/schema/schema.fbs.
#include <string.h>

#include "load.h"

enum { BYTES_MAX = 0x7fffff00 };

uint32_t tflm_open_model(tflm_load_t *load, tflm_t *self, const void *model, size_t model_bytes) {
    static const char identifier[] = "TFL3";
    memset(load, 0, sizeof *load);
    load->self = self;
    load->fb.data = model;
    load->fb.size = model_bytes < TFLM_PLACE_MODEL ? (uint32_t)model_bytes : 0;
    uint32_t root = fb_follow(&load->fb, 0);
    load->codes = fb_field_vector(&load->fb, root, 1, 4);
    return fb_u32(&load->fb, 4) == tflm_load_u32((const uint8_t *)identifier) ? root : 0;
}

uint32_t tflm_read_graph(tflm_load_t *load, fb_vector_t graphs, uint32_t i, tflm_graph_t *graph) {
    uint32_t table = fb_element_table(&load->fb, graphs, i);
    fb_vector_t *fields = &graph->tensors;
    for (unsigned field = 0; field < sizeof *graph / sizeof *fields; field++) {
        fields[field] = fb_field_vector(&load->fb, table, field, 4);
    }
    return table;
}

tflm_status_t tflm_read_model(tflm_load_t *load, tflm_t *self, const void *model,
                              size_t model_bytes) {
    uint32_t root = tflm_open_model(load, self, model, model_bytes);
    if (!root) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "not a .tflite model, or larger than 2 GB");
    }
    fb_t *fb = &load->fb;
    int32_t version = fb_field_i32(fb, root, 0, 0);
    if (version != 3) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "schema version %d, not 3", version);
    }
    fb_vector_t graphs = fb_field_vector(fb, root, 2, 4);
    load->buffers = fb_field_vector(fb, root, 4, 4);
    if (graphs.count > 2) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "%u subgraphs, at most 2", graphs.count);
    }
    tflm_read_graph(load, graphs, 1, &load->init);
    if (!tflm_read_graph(load, graphs, 0, &load->main) || fb->bad || !load->main.tensors.count) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "malformed model: subgraphs");
    }
    self->operators = load->main.operators.count;
    self->counts[TFLM_INPUT] = load->main.inputs.count;
    self->counts[TFLM_OUTPUT] = load->main.outputs.count;
    if (load->main.tensors.count > TFLM_MAX_TENSORS || self->operators > TFLM_MAX_OPERATORS ||
        load->init.operators.count > TFLM_MAX_OPERATORS || self->counts[TFLM_INPUT] > TFLM_MAX_IO ||
        self->counts[TFLM_OUTPUT] > TFLM_MAX_IO) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED,
                         "%u tensors, %u operators, %u inputs, %u outputs; at most %u, %u, %u, %u",
                         load->main.tensors.count, self->operators, self->counts[TFLM_INPUT],
                         self->counts[TFLM_OUTPUT], TFLM_MAX_TENSORS, TFLM_MAX_OPERATORS,
                         TFLM_MAX_IO, TFLM_MAX_IO);
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

// Reads a tensor's fields; gives what is wrong with it, or NULL.
static const char *read_tensor(tflm_load_t *load, uint32_t table, tflm_tensor_t *tensor,
                               tflm_status_t *status) {
    fb_t *fb = &load->fb;
    memset(tensor, 0, sizeof *tensor);
    fb_vector_t shape = fb_field_vector(fb, table, 0, 4);
    tensor->type = (tflm_type_t)fb_field_u8(fb, table, 1, 0);
    uint32_t buffer = (uint32_t)fb_field_i32(fb, table, 2, 0);
    fb_vector_t name = fb_field_vector(fb, table, 3, 1);
    uint32_t quantization = fb_field_table(fb, table, 4);
    tensor->is_variable = fb_field_u8(fb, table, 5, 0);
    tensor->rank = shape.count;
    tensor->name_at = name.at;
    tensor->name_length = name.count;

    // Without either of them it is not quantized, as TensorFlow Lite Micro sees it.
    fb_vector_t scales = fb_field_vector(fb, quantization, 2, 4);
    fb_vector_t zero_points = fb_field_vector(fb, quantization, 3, 8);
    if (scales.count && zero_points.count) {
        tensor->scales = scales.count;
        tensor->scale_at = scales.at;
        tensor->scale = fb_f32(fb, scales.at);
        tensor->zero_point = fb_i64(fb, zero_points.at);
    }
    tensor->scale_axis = fb_field_i32(fb, quantization, 6, 0);

    uint32_t entry = fb_element_table(fb, load->buffers, buffer);
    fb_vector_t data = fb_field_vector(fb, entry, 0, 1);
    tensor->data_at = data.count ? data.at : 0;

    *status = TFLM_ERROR_UNSUPPORTED;
    if (shape.count > TFLM_MAX_RANK) {
        return "too many dimensions";
    }
    if (fb_field(fb, table, 6)) {
        return "sparse";
    }
    if (fb_field_u8(fb, quantization, 4, 0)) {
        return "custom quantization";
    }
    if ((uint32_t)fb_field_i32(fb, entry, 1, 0) > 1) { // An offset.
        return "data outside the model";
    }
    uint32_t size = tflm_type_bytes(tensor->type);
    if (is_packed(tensor->type)) {
        if (!data.count) {
            return "int4, but not constant";
        }
    } else if (!size && tensor->type != TFLM_RESOURCE) {
        return "type %u";
    }
    *status = TFLM_ERROR_MODEL;
    uint32_t elements = 1, most = BYTES_MAX / (size ? size : 1);
    for (uint32_t i = 0; i < shape.count; i++) {
        uint32_t dim = (uint32_t)fb_element_i32(fb, shape, i);
        if (dim - 1 >= most / elements) {
            return "a dimension is below 1 or too large";
        }
        tensor->dims[i] = (int32_t)dim;
        elements *= dim;
    }
    tensor->elements = elements;
    tensor->bytes = is_packed(tensor->type) ? (elements + 1) / 2 : elements * size;
    if (buffer >= load->buffers.count) {
        return "no such buffer";
    }
    if (data.count && data.count < tensor->bytes) {
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
    uint32_t table = fb_element_table(fb, graph->operators, i);
    uint32_t index = (uint32_t)fb_field_i32(fb, table, 0, 0);
    uint32_t code = fb_element_table(fb, load->codes, index);
    node->inputs = fb_field_vector(fb, table, 1, 4);
    node->outputs = fb_field_vector(fb, table, 2, 4);
    node->options = fb_field_table(fb, table, 4);
    // Codes below 127 are in the older, one byte wide field; the larger of both counts.
    node->code = fb_field_i32(fb, code, 3, 0);
    int32_t old_code = (int8_t)fb_field_u8(fb, code, 0, 0);
    if (old_code > node->code) {
        node->code = old_code;
    }
    if (fb->bad || !code) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "operator %u: malformed", i);
    }
    int32_t kernel = tflm_find_kernel(node->code, 0);
    if (kernel < 0) {
        const char *name = tflm_operator_name(node->code);
        return tflm_fail(load, TFLM_ERROR_OPERATOR,
                         name ? "op %s is not supported" : "op %d is not supported",
                         name ? (uintptr_t)name : (uintptr_t)node->code);
    }
    node->kernel = (uint32_t)kernel;
    uint8_t type = fb_field_u8(fb, table, 3, 0);
    uint8_t expected = tflm_kernel(node->kernel)->options;
    if (expected && type && type != expected) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "has another operator's options");
    }
    if (!type) {
        node->options = 0;
    }
    return TFLM_OK;
}
