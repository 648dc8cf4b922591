// SPDX-License-Identifier: Apache-2.0
// Messages that say what is wrong with a model.
#include "message.h"

#include <stdarg.h>
#include <string.h>

enum { NAME_MAX = 64 };

// Appends to what the message holds so far.
static void put(char *message, char c) {
    size_t used = strlen(message);
    if (used < TFLM_MESSAGE_BYTES - 1) {
        message[used] = c;
        message[used + 1] = 0;
    }
}

static void put_number(char *message, uint32_t number) {
    if (number > 9) {
        put_number(message, number / 10);
    }
    put(message, (char)('0' + number % 10));
}

static void put_string(char *message, const char *string) {
    while (*string) {
        put(message, *string++);
    }
}

static void format(char *message, const char *text, va_list arguments) {
    for (; *text; text++) {
        if (*text != '%') {
            put(message, *text);
            continue;
        }
        text++;
        // Strings and numbers are read alike where they have the same size.
        bool is_string = *text == 's' || *text == '+';
        uintptr_t argument = is_string || sizeof(uint32_t) == sizeof(uintptr_t)
                                 ? va_arg(arguments, uintptr_t)
                                 : va_arg(arguments, uint32_t);
        if (is_string) {
            const char *string = (const char *)argument;
            if (*text == '+') {
                text = string - 1;
            } else {
                put_string(message, string);
            }
            continue;
        }
        uint32_t number = (uint32_t)argument;
        if (*text == 'd' && number >> 31) {
            put(message, '-');
            number = 0 - number;
        }
        put_number(message, number);
    }
}

tflm_status_t tflm_fail(tflm_load_t *load, tflm_status_t status, const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    load->self->message[0] = 0;
    format(load->self->message, text, arguments);
    va_end(arguments);
    return status;
}

// Writes the name of the operator's output, by which people know their layers.
static void put_output(tflm_node_t *node, char *message) {
    static const uint8_t fields[] = {FB_VECTOR_1(3), 0};
    fb_t *fb = &node->load->fb;
    fb_vector_t name;
    fb_fields(fb, fb_element_table(fb, node->load->main.tensors, tflm_node_output(node, 0)), fields,
              &name.at);
    put_string(message, " (output ");
    for (uint32_t i = 0; i < name.count && i < NAME_MAX; i++) {
        char c = (char)fb_read(fb, name.at + i, 1);
        put(message, c >= ' ' && c <= '~' ? c : '?');
    }
    put(message, ')');
}

tflm_status_t tflm_node_fail(tflm_node_t *node, tflm_status_t status, const char *text, ...) {
    char *message = node->load->self->message;
    va_list arguments;
    va_start(arguments, text);
    tflm_fail(node->load, status,
              node->code < 0 ? "malformed model: " : "operator %u %s: ", node->index,
              tflm_operator_name(node->code));
    format(message, text, arguments);
    va_end(arguments);
    if (node->code >= 0) {
        put_output(node, message);
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
