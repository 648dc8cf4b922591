// SPDX-License-Identifier: Apache-2.0
// The CMSDK APB UART of all Arm MPS boards, and the console on the first one.
#ifndef GLINT_PORT_UART_H
#define GLINT_PORT_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cortexm.h"

// Registers and bits: Arm Cortex-M System Design Kit, "APB UART".
#define UART_DATA(base) REG32((base) + 0x00)
#define UART_STATE(base) REG32((base) + 0x04)
#define UART_CTRL(base) REG32((base) + 0x08)
#define UART_INTCLEAR(base) REG32((base) + 0x0C)
#define UART_BAUDDIV(base) REG32((base) + 0x10)

#define UART_STATE_TX_FULL 1u
#define UART_STATE_RX_FULL 2u
#define UART_CTRL_TX 1u
#define UART_CTRL_RX 2u
#define UART_CTRL_RX_IRQ 8u
#define UART_INT_RX 2u

// Switches a UART on, with its receive interrupt.
void uart_start(uint32_t base, unsigned rx_irq, uint8_t priority);

void console_init(void);
size_t console_available(void);
// The next byte; console_available() must not be 0.
uint8_t console_read(void);
void console_write(const char *text, size_t size);
// The same for fault reports: needs no interrupt.
void console_write_polled(const char *text, size_t size);

#endif
