# SPDX-License-Identifier: Apache-2.0
"""Stands for MicroPython's `esp32`."""

WAKEUP_ALL_LOW = False
woken_by = []


def wake_on_ext0(pin, level):
    woken_by.append((pin.number, level))
