// SPDX-License-Identifier: Apache-2.0
// Arm Corstone-300 on an MPS3 FPGA board, as in application note AN547.
#ifndef GLINT_BOARD_H
#define GLINT_BOARD_H

#define BOARD_NAME "Corstone-300 (MPS3 AN547)"
#define BOARD_MCU_NAME "Cortex-M55"
#define BOARD_CLOCK_HZ 32000000

// Where AN547 gives a peripheral to the secure world only, the address is the secure alias.
#define BOARD_UART0_BASE 0x49303000
#define BOARD_UART0_RX_IRQ 33
#define BOARD_UART1_BASE 0x49304000
#define BOARD_UART1_RX_IRQ 35
#define BOARD_IRQ_COUNT 64
#define BOARD_FPGAIO_BASE 0x49302000
#define BOARD_RTC_BASE 0x4930B000
#define BOARD_WDT_BASE 0x5802E000
#define BOARD_WDT_CLOCK_HZ 32768

// The flash is the start of the DDR memory, which the emulator keeps in a file.
#define BOARD_FLASH_BASE 0x60000000
#define BOARD_FLASH_BYTES 0x800000
#define BOARD_FILES_OFFSET 0
#define BOARD_FILES_BYTES 0x400000
#define BOARD_SLOT_COUNT 2
#define BOARD_SLOT0_OFFSET 0x400000
#define BOARD_SLOT_BYTES 0x200000

// Behind the flash in the same memory: memory shared with the host (simbus.h).
#define BOARD_SIMBUS_BASE (BOARD_FLASH_BASE + BOARD_FLASH_BYTES)

#endif
