# SPDX-License-Identifier: Apache-2.0
"""MicroPython scripts run on one board each: linux, in QEMU, on an emulated Xtensa core."""
