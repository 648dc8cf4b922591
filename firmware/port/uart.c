// SPDX-License-Identifier: Apache-2.0
// The UARTs, and the console with Ctrl-C and the break sequence.

#include "board.h"
#include "retained.h"
#include "uart.h"
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"

#define BAUD 115200
#define CONSOLE BOARD_UART0_BASE
#define RING_BYTES 4096

static uint8_t ring_bytes[RING_BYTES];
static ringbuf_t ring = {.buf = ring_bytes, .size = RING_BYTES};

// Typed on the console, it resets the chip into safe mode whatever runs: ctrl-\ twice, then "safe".
static const char break_sequence[] = "\x1c\x1csafe";
static unsigned break_matched;

void uart_start(uint32_t base, unsigned rx_irq, uint8_t priority) {
    UART_BAUDDIV(base) = BOARD_CLOCK_HZ / BAUD;
    UART_CTRL(base) = UART_CTRL_TX | UART_CTRL_RX | UART_CTRL_RX_IRQ;
    irq_enable(rx_irq, priority);
}

void console_init(void) {
    SCB_SHPR8(EXCEPTION_PENDSV) = PRIORITY_PENDSV;
    uart_start(CONSOLE, BOARD_UART0_RX_IRQ, PRIORITY_CONSOLE);
}

static void match_break(uint8_t byte) {
    if (byte != (uint8_t)break_sequence[break_matched]) {
        // What came may still end with the beginning of the sequence.
        break_matched = byte == '\x1c' ? (break_matched == 2 ? 2 : 1) : 0;
    } else if (++break_matched == sizeof(break_sequence) - 1) {
        chip_reset(RESET_BREAK);
    }
}

// What does not fit the ring is dropped, so that ctrl-C always gets through.
void uart0_isr(void) {
    UART_INTCLEAR(CONSOLE) = UART_INT_RX;
    while (UART_STATE(CONSOLE) & UART_STATE_RX_FULL) {
        uint8_t byte = (uint8_t)UART_DATA(CONSOLE);
        match_break(byte);
        if (byte == mp_interrupt_char) {
            SCB_ICSR = ICSR_PENDSVSET;
        } else {
            ringbuf_put(&ring, byte);
        }
    }
}

// Ctrl-C, at a priority at which MicroPython's state may be touched.
void pendsv_isr(void) {
    mp_sched_keyboard_interrupt();
}

size_t console_available(void) {
    return ringbuf_avail(&ring);
}

uint8_t console_read(void) {
    return (uint8_t)ringbuf_get(&ring);
}

void console_write(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (UART_STATE(CONSOLE) & UART_STATE_TX_FULL) {
            wait_for_interrupt();
        }
        UART_DATA(CONSOLE) = (uint8_t)text[i];
    }
}

void console_write_polled(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (UART_STATE(CONSOLE) & UART_STATE_TX_FULL) {
        }
        UART_DATA(CONSOLE) = (uint8_t)text[i];
    }
}
