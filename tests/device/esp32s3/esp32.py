# SPDX-License-Identifier: Apache-2.0
"""Replaces the module `esp32` of MicroPython 1.25.0's port: ports/esp32/modesp32.c.

esp32_wake_on_ext0 is at line 62, WAKEUP_ALL_LOW at line 239. Its refusal of
pins that do not belong to the RTC (line 80) is not emulated.
"""

WAKEUP_ALL_LOW = False
woken_by = []


def wake_on_ext0(pin, level):
    woken_by.append((pin.number, level))
