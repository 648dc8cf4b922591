# SPDX-License-Identifier: Apache-2.0
"""A board and a radio with nothing behind them, for fuzz.py."""

import sys


def module(name):
    """A new, empty module."""
    return type(name, (), {})


class Radio:
    """bluetooth.BLE as far as glasses/link.py calls it."""

    def __init__(self):
        self._handles = 0

    def irq(self, handler):
        pass

    def active(self, on=None):
        return True

    def config(self, *_, **__):
        return None

    def gatts_register_services(self, services):
        def number():
            self._handles += 1
            return self._handles

        return tuple(tuple(number() for _ in characteristics) for _, characteristics in services)

    def gatts_write(self, *_):
        pass

    def gatts_set_buffer(self, *_):
        pass

    def gatts_notify(self, *_):
        pass

    def gap_advertise(self, *_, **__):
        pass

    def gap_disconnect(self, *_):
        pass


class _Sense:
    on_change = None
    percent = 50
    millivolts = 3700

    def set(self, on):
        pass

    def on(self):
        pass

    def off(self):
        pass

    def __call__(self, on):
        pass


class Board:
    """What boards/README.md asks of a board."""

    name = sys.platform
    camera = None
    slice_macs = 400000

    def __init__(self, flash):
        self.flash = flash
        self.mic = self.battery = self.light = self.button = _Sense()


class Locked:
    """A lock that somebody holds."""

    def locked(self):
        return True
