// SPDX-License-Identifier: Apache-2.0
#define MICROPY_HW_BOARD_NAME "Glint on XIAO ESP32S3 Sense"
#define MICROPY_HW_MCU_NAME "ESP32S3"

// Models are read in place from the partition "romfs".
#define MICROPY_VFS_ROM (1)
#define MICROPY_VFS_ROM_IOCTL (1)

// The pins of the camera are in board.py.
