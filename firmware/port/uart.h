// SPDX-License-Identifier: Apache-2.0
// Driver of the CMSDK APB UART, the UART of all Arm MPS boards.
#ifndef GLINT_PORT_UART_H
#define GLINT_PORT_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "py/ringbuf.h"

struct uart {
    uint32_t base;
    ringbuf_t rx;
    volatile bool held; // the ring was full: what comes waits in the UART
};

#define UART_CONSOLE 0
#define UART_COUNT 2

extern struct uart uarts[UART_COUNT];

// Called from the UART's interrupt when bytes came; the port's machine.UART provides it.
void uart_on_receive(unsigned id);

void uart_console_init(void);
// Opens a UART but the console, with `size` bytes of ring at `ring`.
void uart_open(unsigned id, uint8_t *ring, size_t size);
void uart_close(unsigned id);
size_t uart_available(unsigned id);
// Takes up to `size` bytes that have arrived.
size_t uart_read(unsigned id, uint8_t *buf, size_t size);
bool uart_can_write(unsigned id);
void uart_put(unsigned id, uint8_t byte);
// For fault reports: needs no interrupt and no time.
void uart_write_polled(unsigned id, const char *text, size_t size);

#endif
