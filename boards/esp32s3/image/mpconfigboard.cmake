# SPDX-License-Identifier: Apache-2.0
# MicroPython's board for our own ESP32-S3 image: octal PSRAM, Bluetooth LE, ROMFS, our modules.

set(IDF_TARGET esp32s3)
set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)

# The partition table's path is known only here: it lies outside MicroPython's tree.
set(GLINT_SDKCONFIG ${CMAKE_BINARY_DIR}/sdkconfig.glint)
file(WRITE ${GLINT_SDKCONFIG}
    "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME=\"${MICROPY_BOARD_DIR}/partitions.csv\"\n"
)

set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    boards/sdkconfig.usb
    boards/sdkconfig.ble
    boards/sdkconfig.spiram_sx
    boards/sdkconfig.240mhz
    boards/sdkconfig.spiram_oct
    ${MICROPY_BOARD_DIR}/sdkconfig.board
    ${GLINT_SDKCONFIG}
)
