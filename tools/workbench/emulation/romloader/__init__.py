# SPDX-License-Identifier: Apache-2.0
"""Emulates an ESP32-S3's ROM loader for esptool: on a pty, with a file for its flash.

The unmodified ``esptool`` program can identify the chip, and erase, write, verify and read its
flash, with the ROM's own commands and with those of esptool's stub flasher. It runs no code: what
esptool uploads is thrown away, and the stub's commands are answered here.
"""
