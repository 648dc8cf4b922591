// SPDX-License-Identifier: Apache-2.0
// Messages that say what is wrong with a model.
#include <stdarg.h>

#include "load.h"

enum { NAME_MAX = 64 };

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
        if (*text == '+') {
            text = va_arg(arguments, const char *) - 1;
        } else if (*text == 's') {
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

// The name of what the operator makes, by which people know their layers.
static void put_output(tflm_node_t *node, char *message, uint32_t *used) {
    fb_t *fb = &node->load->fb;
    uint32_t output = fb_element_table(fb, node->load->main.tensors, tflm_node_output(node, 0));
    fb_vector_t name = fb_field_vector(fb, output, 3, 1);
    put_string(message, used, " (output ");
    for (uint32_t i = 0; i < name.count && i < NAME_MAX; i++) {
        char c = (char)fb_read(fb, name.at + i, 1);
        put(message, used, c >= ' ' && c <= '~' ? c : '?');
    }
    put(message, used, ')');
    message[*used] = 0;
}

tflm_status_t tflm_node_fail(tflm_node_t *node, tflm_status_t status, const char *text, ...) {
    char *message = node->load->self->message;
    uint32_t used = 0;
    if (node->code < 0) {
        put_string(message, &used, "malformed model");
    } else {
        put_string(message, &used, "operator ");
        put_number(message, &used, node->index);
        put(message, &used, ' ');
        put_string(message, &used, tflm_kernel(node->kernel)->name);
    }
    put_string(message, &used, ": ");
    va_list arguments;
    va_start(arguments, text);
    format(message, &used, text, arguments);
    va_end(arguments);
    if (node->code >= 0) {
        put_output(node, message, &used);
    }
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
