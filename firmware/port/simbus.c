// SPDX-License-Identifier: Apache-2.0
// The simulation bus's byte stream, through rings in memory shared with the host.

#include <string.h>

#include "simbus.h"
#include "board.h"
#include "uart.h"
#include "py/runtime.h"

#define SHARED ((struct simbus_shared *)BOARD_SIMBUS_BASE)
#define UART BOARD_UART1_BASE

static void (*on_received)(void);

// The counters tell of data: what was written before the one is seen before the other.
static inline void barrier(void) {
    __asm volatile("dmb" ::: "memory");
}

void simbus_open(void (*received)(void)) {
    on_received = received;
    SHARED->rx.got = SHARED->rx.put; // nobody listened to what came before
    SHARED->open.tx_put = SHARED->tx.put;
    barrier();
    SHARED->open.count++;
    uart_start(UART, BOARD_UART1_RX_IRQ, PRIORITY_UART);
    UART_DATA(UART) = 0;
}

void simbus_close(void) {
    UART_CTRL(UART) = 0;
    on_received = NULL;
}

void uart1_isr(void) {
    UART_INTCLEAR(UART) = UART_INT_RX;
    while (UART_STATE(UART) & UART_STATE_RX_FULL) {
        (void)UART_DATA(UART);
    }
    if (on_received) {
        on_received();
    }
}

size_t simbus_available(void) {
    if (SHARED->open.accepted != SHARED->open.count) {
        return 0;
    }
    barrier();
    return SHARED->rx.put - SHARED->rx.got;
}

size_t simbus_read(uint8_t *buf, size_t size) {
    size_t available = simbus_available(); // once: it grows while we look, and MIN looks twice
    size_t n = MIN(size, available);
    barrier();
    size_t at = SHARED->rx.got % SIMBUS_RING_BYTES;
    size_t straight = MIN(n, SIMBUS_RING_BYTES - at);
    memcpy(buf, SHARED->rx_data + at, straight);
    memcpy(buf + straight, SHARED->rx_data, n - straight);
    barrier();
    SHARED->rx.got += n;
    return n;
}

size_t simbus_room(void) {
    return SIMBUS_RING_BYTES - (SHARED->tx.put - SHARED->tx.got);
}

size_t simbus_write(const uint8_t *buf, size_t size) {
    size_t room = simbus_room(); // once, as above
    size_t n = MIN(size, room);
    size_t at = SHARED->tx.put % SIMBUS_RING_BYTES;
    size_t straight = MIN(n, SIMBUS_RING_BYTES - at);
    memcpy(SHARED->tx_data + at, buf, straight);
    memcpy(SHARED->tx_data, buf + straight, n - straight);
    barrier();
    SHARED->tx.put += n;
    // A full transmitter has told the host already that there is something.
    if (n && !(UART_STATE(UART) & UART_STATE_TX_FULL)) {
        UART_DATA(UART) = 0;
    }
    return n;
}
