# SPDX-License-Identifier: Apache-2.0
"""Stands for MicroPython's `bluetooth`, as far as whether it is on."""


class BLE:
    on = False

    def active(self):
        return BLE.on
