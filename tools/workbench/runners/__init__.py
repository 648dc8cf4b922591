# SPDX-License-Identifier: Apache-2.0
"""Runs MicroPython scripts on a board: linux, one in QEMU, or an emulated Xtensa core."""
