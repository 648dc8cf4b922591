// SPDX-License-Identifier: Apache-2.0
// Tensors and operators of a model, through checked reads. Field numbers are those of the schema,
// tensorflow/lite/schema/schema.fbs.
#include <stdarg.h>
#include <string.h>

#include "quantize.h"

enum { MAX_BYTES = 0x7fffff00 };

static void put(char *message, uint32_t *used, char c) {
    if (*used < TFLM_MESSAGE_BYTES - 1) {
        message[(*used)++] = c;
    }
}

static void put_string(char *message, uint32_t *used, const char *string) {
    while (*string) {
        put(message, used, *string++);
    }
}

static void put_number(char *message, uint32_t *used, uint32_t number) {
    char digits[10];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count) {
        put(message, used, digits[--count]);
    }
}

static void format(char *message, uint32_t *used, const char *text, va_list arguments) {
    for (; *text; text++) {
        if (*text != '%') {
            put(message, used, *text);
            continue;
        }
        text++;
        if (*text == 's') {
            put_string(message, used, va_arg(arguments, const char *));
        } else {
            uint32_t number = va_arg(arguments, uint32_t);
            if (*text == 'd' && number >> 31) {
                put(message, used, '-');
                number = 0 - number;
            }
            put_number(message, used, number);
        }
    }
    message[*used] = 0;
}

tflm_status_t tflm_fail(tflm_load_t *load, tflm_status_t status, const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    uint32_t used = 0;
    format(load->self->message, &used, text, arguments);
    va_end(arguments);
    return status;
}

tflm_status_t tflm_node_fail(tflm_node_t *node, tflm_status_t status, const char *text, ...) {
    char *message = node->load->self->message;
    const char *name = tflm_operator_name(node->code);
    uint32_t used = 0;
    put_string(message, &used, "operator ");
    put_number(message, &used, node->index);
    put(message, &used, ' ');
    put_string(message, &used, name ? name : "unknown");
    put_string(message, &used, ": ");
    va_list arguments;
    va_start(arguments, text);
    format(message, &used, text, arguments);
    va_end(arguments);
    return status;
}

tflm_status_t tflm_unfit(tflm_node_t *node) {
    return tflm_node_fail(node, TFLM_ERROR_MODEL, "shapes do not fit");
}

tflm_status_t tflm_types_fail(tflm_node_t *node, const tflm_tensor_t *input,
                              const tflm_tensor_t *output) {
    return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s to %s", tflm_type_name(input->type),
                          tflm_type_name(output->type));
}

unsigned tflm_type_bytes(tflm_type_t type) {
    switch (type) {
    case TFLM_UINT8:
    case TFLM_BOOL:
    case TFLM_INT8:
        return 1;
    case TFLM_INT16:
        return 2;
    case TFLM_FLOAT32:
    case TFLM_INT32:
        return 4;
    case TFLM_INT64:
        return 8;
    default:
        return 0;
    }
}

const char *tflm_type_name(tflm_type_t type) {
    switch (type) {
    case TFLM_FLOAT32:
        return "float32";
    case TFLM_INT32:
        return "int32";
    case TFLM_UINT8:
        return "uint8";
    case TFLM_INT64:
        return "int64";
    case TFLM_BOOL:
        return "bool";
    case TFLM_INT16:
        return "int16";
    case TFLM_INT8:
        return "int8";
    case TFLM_RESOURCE:
        return "resource";
    case TFLM_INT4:
        return "int4";
    default:
        return "unsupported type";
    }
}

static bool is_packed(tflm_type_t type) {
#ifdef TFLM_WITHOUT_INT4
    (void)type;
    return false;
#else
    return type == TFLM_INT4;
#endif
}

static tflm_status_t refuse(tflm_load_t *load, uint32_t tensor, tflm_status_t status,
                            const char *why) {
    return tflm_fail(load, status, "tensor %u: %s", tensor, why);
}

static tflm_status_t read_quantization(tflm_load_t *load, uint32_t table, uint32_t index,
                                       tflm_tensor_t *tensor) {
    fb_t *fb = &load->fb;
    fb_vector_t scales = fb_field_vector(fb, table, 2, 4);
    fb_vector_t zero_points = fb_field_vector(fb, table, 3, 8);
    if (fb_field_u8(fb, table, 4, 0)) {
        return refuse(load, index, TFLM_ERROR_UNSUPPORTED, "custom quantization");
    }
    tensor->scales = scales.count;
    tensor->scale_at = scales.at;
    tensor->scale_axis = fb_field_i32(fb, table, 6, 0);
    if (scales.count) {
        tensor->scale = fb_f32(fb, scales.at);
    }
    if (zero_points.count) {
        int64_t zero_point = (int64_t)fb_u64(fb, zero_points.at);
        if (zero_point < INT32_MIN || zero_point > INT32_MAX) {
            return refuse(load, index, TFLM_ERROR_MODEL, "zero point beyond 32 bits");
        }
        tensor->zero_point = (int32_t)zero_point;
    }
    return TFLM_OK;
}

static tflm_status_t read_data(tflm_load_t *load, uint32_t table, uint32_t index,
                               tflm_tensor_t *tensor) {
    fb_t *fb = &load->fb;
    uint32_t buffer = (uint32_t)fb_field_i32(fb, table, 2, 0);
    if (buffer >= load->buffers.count) {
        return refuse(load, index, TFLM_ERROR_MODEL, "no such buffer");
    }
    uint32_t entry = fb_element_table(fb, load->buffers, buffer);
    uint32_t external = fb_field(fb, entry, 1);
    if (external && fb_u64(fb, external) > 1) {
        return refuse(load, index, TFLM_ERROR_UNSUPPORTED, "data outside the model");
    }
    fb_vector_t data = fb_field_vector(fb, entry, 0, 1);
    if (data.count && data.count < tensor->bytes) {
        return refuse(load, index, TFLM_ERROR_MODEL, "less data than its shape needs");
    }
    tensor->data_at = data.count ? data.at : 0;
    if (is_packed(tensor->type) && !data.count) {
        return refuse(load, index, TFLM_ERROR_UNSUPPORTED, "int4, but not constant");
    }
    return TFLM_OK;
}

tflm_status_t tflm_read_tensor(tflm_load_t *load, fb_vector_t tensors, uint32_t index,
                               tflm_tensor_t *tensor) {
    fb_t *fb = &load->fb;
    memset(tensor, 0, sizeof *tensor);
    if (index >= tensors.count) {
        return tflm_fail(load, TFLM_ERROR_MODEL, "tensor %d of %u", (int32_t)index, tensors.count);
    }
    uint32_t table = fb_element_table(fb, tensors, index);
    fb_vector_t shape = fb_field_vector(fb, table, 0, 4);
    tensor->type = (tflm_type_t)fb_field_u8(fb, table, 1, 0);
    fb_vector_t name = fb_field_vector(fb, table, 3, 1);
    tensor->name_at = name.at;
    tensor->name_length = name.count;
    tensor->is_variable = fb_field_u8(fb, table, 5, 0);
    if (shape.count > TFLM_MAX_RANK) {
        return refuse(load, index, TFLM_ERROR_UNSUPPORTED, "too many dimensions");
    }
    unsigned size = tflm_type_bytes(tensor->type);
    if (!size && tensor->type != TFLM_RESOURCE && !is_packed(tensor->type)) {
        return tflm_fail(load, TFLM_ERROR_UNSUPPORTED, "tensor %u: type %u", index, tensor->type);
    }
    if (fb_field(fb, table, 6)) {
        return refuse(load, index, TFLM_ERROR_UNSUPPORTED, "sparse");
    }
    tensor->rank = shape.count;
    tensor->elements = 1;
    for (uint32_t i = 0; i < shape.count; i++) {
        int32_t dim = fb_element_i32(fb, shape, i);
        if (dim < 1) {
            return refuse(load, index, TFLM_ERROR_MODEL, "a dimension is below 1");
        }
        tensor->dims[i] = dim;
        if ((uint32_t)dim > MAX_BYTES / (size ? size : 1) / tensor->elements) {
            return refuse(load, index, TFLM_ERROR_MODEL, "too large");
        }
        tensor->elements *= (uint32_t)dim;
    }
    tensor->bytes = is_packed(tensor->type) ? (tensor->elements + 1) / 2 : tensor->elements * size;
    uint32_t quantization = fb_field_table(fb, table, 4);
    tflm_status_t status = read_quantization(load, quantization, index, tensor);
    if (status == TFLM_OK) {
        status = read_data(load, table, index, tensor);
    }
    if (fb->bad) {
        return refuse(load, index, TFLM_ERROR_MODEL, "malformed");
    }
    return status;
}

tflm_status_t tflm_read_node(tflm_load_t *load, fb_vector_t operators, uint32_t i,
                             tflm_node_t *node) {
    fb_t *fb = &load->fb;
    memset(node, 0, sizeof *node);
    node->load = load;
    node->index = i;
    node->rows = 1;
    uint32_t table = fb_element_table(fb, operators, i);
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
        if (name) {
            return tflm_fail(load, TFLM_ERROR_OPERATOR, "op %s is not supported", name);
        }
        return tflm_fail(load, TFLM_ERROR_OPERATOR, "op %d is not known", node->code);
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

uint32_t tflm_node_input(tflm_node_t *node, uint32_t i) {
    if (i >= node->inputs.count) {
        return TFLM_NO_TENSOR;
    }
    int32_t tensor = fb_element_i32(&node->load->fb, node->inputs, i);
    return tensor < 0 ? TFLM_NO_TENSOR : (uint32_t)tensor;
}

uint32_t tflm_node_output(tflm_node_t *node, uint32_t i) {
    return (uint32_t)fb_element_i32(&node->load->fb, node->outputs, i);
}

static tflm_status_t get(tflm_node_t *node, const char *what, uint32_t i, uint32_t id,
                         tflm_tensor_t *tensor) {
    if (id == TFLM_NO_TENSOR) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%s %u is missing", what, i);
    }
    return tflm_read_tensor(node->load, node->load->tensors, id, tensor);
}

tflm_status_t tflm_get_input(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor) {
    return get(node, "input", i, tflm_node_input(node, i), tensor);
}

tflm_status_t tflm_get_output(tflm_node_t *node, uint32_t i, tflm_tensor_t *tensor) {
    return get(node, "output", i, tflm_node_output(node, i), tensor);
}

tflm_status_t tflm_expect(tflm_node_t *node, uint32_t inputs_min, uint32_t inputs_max,
                          uint32_t outputs) {
    if (node->inputs.count < inputs_min || node->inputs.count > inputs_max ||
        node->outputs.count != outputs) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "%u inputs and %u outputs",
                              node->inputs.count, node->outputs.count);
    }
    return TFLM_OK;
}

tflm_status_t tflm_get_tensors(tflm_node_t *node, const char *kinds, tflm_tensor_t *tensors) {
    uint32_t inputs = 0, optional = 0;
    for (; *kinds; kinds++) {
        bool last = !kinds[1];
        if (*kinds == '?') {
            optional = 1;
            continue;
        }
        if (last) {
            TRY(tflm_expect(node, inputs, inputs + optional, 1));
        }
        tflm_tensor_t *tensor = tensors + inputs;
        TRY(last ? tflm_get_output(node, 0, tensor) : tflm_get_input(node, inputs++, tensor));
        if ((*kinds | 32) == 'q') {
            if (tensor->type != tflm_node_type(node)) {
                return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED, "%s %u is %s",
                                      last ? "output" : "input", last ? 0 : inputs - 1,
                                      tflm_type_name(tensor->type));
            }
            TRY(tflm_expect_quantized(node, tensor));
        }
        if (*kinds < 'a') {
            TRY(tflm_expect_same_shape(node, tensors, tensor));
        }
    }
    return TFLM_OK;
}

tflm_status_t tflm_expect_same_shape(tflm_node_t *node, const tflm_tensor_t *a,
                                     const tflm_tensor_t *b) {
    if (a->rank != b->rank || memcmp(a->dims, b->dims, sizeof a->dims)) {
        return tflm_unfit(node);
    }
    return TFLM_OK;
}

tflm_status_t tflm_expect_quantized(tflm_node_t *node, const tflm_tensor_t *tensor) {
    int32_t low, high;
    tflm_type_range(tensor->type, &low, &high);
    // The upper bound keeps products of scales finite.
    if (tensor->scales != 1 || !(tensor->scale > 0) || !(tensor->scale < 1e30f)) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "a tensor lacks a sound scale");
    }
    if (tensor->zero_point < low || tensor->zero_point > high) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "zero point %d is out of range",
                              tensor->zero_point);
    }
    return TFLM_OK;
}

tflm_status_t tflm_constants(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *values,
                             uint32_t max) {
    fb_t *fb = &node->load->fb;
    if (!tensor->data_at || (tensor->type != TFLM_INT32 && tensor->type != TFLM_INT64) ||
        tensor->elements > max) {
        return tflm_node_fail(node, TFLM_ERROR_UNSUPPORTED,
                              "a parameter is not constant, or not at most %u int32", max);
    }
    for (uint32_t i = 0; i < tensor->elements; i++) {
        if (tensor->type == TFLM_INT32) {
            values[i] = (int32_t)fb_u32(fb, tensor->data_at + 4 * i);
        } else {
            int64_t value = (int64_t)fb_u64(fb, tensor->data_at + 8 * i);
            values[i] = value > INT32_MAX   ? INT32_MAX
                        : value < INT32_MIN ? INT32_MIN
                                            : (int32_t)value;
        }
    }
    return TFLM_OK;
}

tflm_status_t tflm_axis(tflm_node_t *node, const tflm_tensor_t *tensor, int32_t *axis) {
    int32_t rank = (int32_t)tensor->rank;
    if (*axis < -rank || *axis >= rank) {
        return tflm_node_fail(node, TFLM_ERROR_MODEL, "axis %d", *axis);
    }
    *axis += *axis < 0 ? rank : 0;
    return TFLM_OK;
}
