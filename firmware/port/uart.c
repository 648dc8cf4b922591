// SPDX-License-Identifier: Apache-2.0
// Registers: Arm Cortex-M System Design Kit, "APB UART".

#include <string.h>

#include "board.h"
#include "cortexm.h"
#include "retained.h"
#include "uart.h"
#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"

#define DATA(uart) REG32((uart)->base + 0x00)
#define STATE(uart) REG32((uart)->base + 0x04)
#define CTRL(uart) REG32((uart)->base + 0x08)
#define INTCLEAR(uart) REG32((uart)->base + 0x0C)
#define BAUDDIV(uart) REG32((uart)->base + 0x10)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX 1u
#define CTRL_RX 2u
#define CTRL_RX_IRQ 8u
#define INT_RX 2u

#define BAUD 115200
#define CONSOLE_RING_BYTES 4096

struct uart uarts[UART_COUNT] = {{.base = BOARD_UART0_BASE}, {.base = BOARD_UART1_BASE}};

static uint8_t console_ring[CONSOLE_RING_BYTES];

// Typed on the console, it resets the chip into safe mode whatever runs: ctrl-\ twice, then "safe".
static const char break_sequence[] = "\x1c\x1csafe";
static unsigned break_matched;

static void start(struct uart *uart, uint8_t *ring, size_t size) {
    uart->rx = (ringbuf_t){.buf = ring, .size = size};
    uart->held = false;
    BAUDDIV(uart) = BOARD_CLOCK_HZ / BAUD;
    CTRL(uart) = CTRL_TX | CTRL_RX | CTRL_RX_IRQ;
}

void uart_console_init(void) {
    start(&uarts[UART_CONSOLE], console_ring, sizeof(console_ring));
    SCB_SHPR8(EXCEPTION_PENDSV) = PRIORITY_PENDSV;
    irq_enable(BOARD_UART0_RX_IRQ, PRIORITY_CONSOLE);
}

void uart_open(unsigned id, uint8_t *ring, size_t size) {
    uart_close(id);
    start(&uarts[id], ring, size);
    irq_enable(BOARD_UART1_RX_IRQ, PRIORITY_UART);
}

void uart_close(unsigned id) {
    CTRL(&uarts[id]) = 0;
    uarts[id].rx = (ringbuf_t){0};
}

static void match_break(uint8_t byte) {
    if (byte != (uint8_t)break_sequence[break_matched]) {
        // The longest proper beginning of the sequence that it can still be the end of.
        break_matched = byte == '\x1c' ? (break_matched == 2 ? 2 : 1) : 0;
    } else if (++break_matched == sizeof(break_sequence) - 1) {
        chip_reset(RESET_BREAK);
    }
}

// The console drops what does not fit its ring, so that ctrl-C always gets through.
void uart0_isr(void) {
    struct uart *uart = &uarts[UART_CONSOLE];
    INTCLEAR(uart) = INT_RX;
    while (STATE(uart) & STATE_RX_FULL) {
        uint8_t byte = (uint8_t)DATA(uart);
        match_break(byte);
        if (byte == mp_interrupt_char) {
            SCB_ICSR = ICSR_PENDSVSET;
        } else {
            ringbuf_put(&uart->rx, byte);
        }
    }
}

void pendsv_isr(void) {
    mp_sched_keyboard_interrupt();
}

// The other UART drops nothing: a full ring leaves the byte in the UART, and its sender waits.
void uart1_isr(void) {
    struct uart *uart = &uarts[1];
    INTCLEAR(uart) = INT_RX;
    while (STATE(uart) & STATE_RX_FULL) {
        if (ringbuf_free(&uart->rx) == 0) {
            uart->held = true;
            CTRL(uart) = CTRL_TX | CTRL_RX;
            break;
        }
        ringbuf_put(&uart->rx, (uint8_t)DATA(uart));
    }
    uart_on_receive(1);
}

size_t uart_available(unsigned id) {
    return uarts[id].rx.size ? ringbuf_avail(&uarts[id].rx) : 0;
}

size_t uart_read(unsigned id, uint8_t *buf, size_t size) {
    struct uart *uart = &uarts[id];
    size_t n = MIN(uart_available(id), size);
    if (n) {
        ringbuf_memcpy_get_internal(&uart->rx, buf, n);
    }
    if (uart->held) {
        uart->held = false;
        // The byte that waits raised its interrupt already: take it by hand.
        uint32_t state = irq_lock();
        CTRL(uart) = CTRL_TX | CTRL_RX | CTRL_RX_IRQ;
        uart1_isr();
        irq_unlock(state);
    }
    return n;
}

bool uart_can_write(unsigned id) {
    return !(STATE(&uarts[id]) & STATE_TX_FULL);
}

void uart_put(unsigned id, uint8_t byte) {
    DATA(&uarts[id]) = byte;
}

void uart_write_polled(unsigned id, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (!uart_can_write(id)) {
        }
        uart_put(id, (uint8_t)text[i]);
    }
}
