# SPDX-License-Identifier: Apache-2.0
"""Replaces MicroPython's `bluetooth`: records whether it is on, and what it was given.

Lines are those of MicroPython 1.25.0's extmod/modbluetooth.c. Nothing goes by radio, and nothing
fails.
"""

from bluetooth_uuid import UUID  # noqa: F401

advertised = []


class BLE:
    on = False

    def active(self, on=None):  # 290
        if on is not None:
            BLE.on = on
        return BLE.on

    def irq(self, handler):  # 431
        pass

    def config(self, **settings):  # 305
        pass

    def gatts_register_services(self, services):  # 580; handles of values, from 0 on here
        handle = 0
        handles = []
        for _, characteristics in services:
            handles.append(tuple(range(handle, handle + len(characteristics))))
            handle += len(characteristics)
        return handles

    def gatts_set_buffer(self, handle, size, append=False):  # 778
        pass

    def gatts_write(self, handle, data, send=False):  # 741
        pass

    # 451
    def gap_advertise(self, interval_us, adv_data=None, resp_data=None, connectable=True):
        advertised.append(bytes(adv_data or b""))
