// SPDX-License-Identifier: Apache-2.0
// The simulation bus's byte stream: the second UART, with the emulator as its DMA controller.
//
// QEMU hands a UART's bytes over one at a time, each with its own trip between two threads: 12 kB/s
// were measured on two cores, and a microphone alone makes 32. So the bytes go through two rings in
// memory that the emulator shares with the host, and one byte on the UART says that there are more.
#ifndef GLINT_PORT_SIMBUS_H
#define GLINT_PORT_SIMBUS_H

#include <stddef.h>
#include <stdint.h>

#define SIMBUS_RING_BYTES 0x10000

// Lies at BOARD_SIMBUS_BASE; workbench.emulation.buslink is the other side. The counters count
// bytes since the emulator started and wrap at 2^32; each has one writer. A reset may cut a frame
// in two: after each opening nothing is read until the host has thrown away what is left of earlier
// ones.
struct simbus_shared {
    struct {
        volatile uint32_t put; // the host's
        volatile uint32_t got; // ours; the host's while it has not accepted an opening
    } rx;
    struct {
        volatile uint32_t put; // ours
        volatile uint32_t got; // the host's
    } tx;
    struct {
        volatile uint32_t count;    // ours: openings
        volatile uint32_t tx_put;   // ours: where in tx the last of them begins
        volatile uint32_t accepted; // the host's: `count` of the last that it knows of
    } open;
    uint8_t unused[4096 - 28];
    uint8_t rx_data[SIMBUS_RING_BYTES];
    uint8_t tx_data[SIMBUS_RING_BYTES];
};

// What came before is dropped. `received` is called from the interrupt when there is more to read.
void simbus_open(void (*received)(void));
void simbus_close(void);
size_t simbus_available(void);
size_t simbus_read(uint8_t *buf, size_t size);
// Takes as much as there is room for, and returns how much.
size_t simbus_write(const uint8_t *buf, size_t size);
size_t simbus_room(void);

#endif
