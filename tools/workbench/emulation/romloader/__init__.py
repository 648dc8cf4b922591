# SPDX-License-Identifier: Apache-2.0
"""An emulated ESP32-S3 that waits for esptool: its ROM loader on a pty, a file for its flash.

It is good enough for the unmodified ``esptool`` program to identify the chip, erase, write, verify
and read its flash, over the ROM's own commands and over those of esptool's stub flasher. It runs
no code: what esptool uploads is thrown away, and the stub's commands are answered here.
"""
