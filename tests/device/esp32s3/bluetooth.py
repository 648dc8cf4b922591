# SPDX-License-Identifier: Apache-2.0
"""Replaces MicroPython's `bluetooth`: records whether it is on, and what it was given.

The signatures are those of MicroPython 1.25.0's extmod/modbluetooth.c: active (line 290),
gap_advertise (451), gatts_register_services (580), gatts_write (741), gatts_set_buffer (778).
"""

from bluetooth_uuid import UUID  # noqa: F401

advertised = []


class BLE:
    on = False

    def active(self, on=None):
        if on is not None:
            BLE.on = on
        return BLE.on

    def irq(self, handler):
        pass

    def config(self, **settings):
        pass

    def gatts_register_services(self, services):
        handle = 0
        handles = []
        for _, characteristics in services:
            handles.append(tuple(range(handle, handle + len(characteristics))))
            handle += len(characteristics)
        return handles

    def gatts_set_buffer(self, handle, size, append=False):
        pass

    def gatts_write(self, handle, data, send=False):
        pass

    def gap_advertise(self, interval_us, adv_data=None, resp_data=None, connectable=True):
        advertised.append(bytes(adv_data or b""))
