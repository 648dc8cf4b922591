# SPDX-License-Identifier: Apache-2.0
"""Runs firmware/checks/listen.py with an emulated microphone, and prints what it prints.

Usage: listen.py CHECK HEARD. HEARD is "tone", "stuck" (its data pin is low) or "silent" (no data).
"""

import _thread
import sys
import time

import machine
import micropython

check, heard = sys.argv[1:]
PIECES = {
    # A third of a period of ones, then zeros: loud; the other a little softer.
    "tone": (b"\xff\xff\xff\x00\x0f\x00", b"\xff\x0f\xff\x00\xff\x00"),
    "stuck": (bytes(6), bytes(6)),
    "silent": (),
}


class Timer:
    """Calls back as the port's does: scheduled (MicroPython 1.25.0, machine_timer.c:153)."""

    def __init__(self, number):
        pass

    def init(self, *, period, callback, mode=1):
        def run():
            while True:
                time.sleep_ms(period)
                try:
                    micropython.schedule(callback, self)
                except RuntimeError:
                    continue  # its queue is full

        _thread.start_new_thread(run, ())

    def deinit(self):
        pass


class I2S(machine.I2S):
    """Gives pieces of 2,048 bytes, 8 ms of PDM bits each, in real time."""

    def __init__(self, number, **settings):
        super().__init__(number, **settings)
        self._start = time.ticks_ms()
        self._given = 0

    def readinto(self, buf):
        due = time.ticks_diff(time.ticks_ms(), self._start) // 8
        pieces = PIECES[heard]
        while pieces and self._given < due:
            self._given += 1
            self.waiting += (pieces[self._given % 2] * 342)[:2048]
        return super().readinto(buf)


machine.Timer = Timer
machine.I2S = I2S
# MicroPython's own images have neither: ports/esp32/boards/ESP32_GENERIC_S3 adds no module.
sys.modules["pdm"] = None
sys.modules["camera"] = None
with open(check) as file:
    exec(file.read(), {})
