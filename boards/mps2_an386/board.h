// SPDX-License-Identifier: Apache-2.0
// Arm's MPS2 board with the Cortex-M4 image of application note AN386.
#ifndef GLINT_BOARD_H
#define GLINT_BOARD_H

#define BOARD_NAME "MPS2 AN386"
#define BOARD_MCU_NAME "Cortex-M4"
#define BOARD_CLOCK_HZ 25000000

#define BOARD_UART0_BASE 0x40004000
#define BOARD_UART0_RX_IRQ 0
#define BOARD_UART1_BASE 0x40005000
#define BOARD_UART1_RX_IRQ 2
#define BOARD_IRQ_COUNT 32
#define BOARD_FPGAIO_BASE 0x40028000
#define BOARD_WDT_BASE 0x40008000
#define BOARD_WDT_CLOCK_HZ 25000000

// The flash is the start of the PSRAM, which the emulator keeps in a file.
#define BOARD_FLASH_BASE 0x21000000
#define BOARD_FLASH_BYTES 0x800000
#define BOARD_FILES_OFFSET 0
#define BOARD_FILES_BYTES 0x400000
#define BOARD_SLOT_COUNT 2
#define BOARD_SLOT0_OFFSET 0x400000
#define BOARD_SLOT_BYTES 0x200000

// Behind the flash in the same memory: memory shared with the host (simbus.h).
#define BOARD_SIMBUS_BASE (BOARD_FLASH_BASE + BOARD_FLASH_BYTES)

#endif
