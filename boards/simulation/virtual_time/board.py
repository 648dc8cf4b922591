# SPDX-License-Identifier: Apache-2.0
"""The linux board on a clock that the workbench moves, so that load cannot disturb measurements.

Whenever the firmware is idle, it reports until when, and waits; computing takes no time on that
clock. `workbench.emulation.virtual_time` is the other end. GLINT_BUS_FD and GLINT_FLASH are as on
linux.
"""

import os
import select
import struct
import sys
from asyncio import core
from time import ticks_add, ticks_diff, ticks_ms

import bus
import bus_socket
import peripherals

CLOCK = 7
# MicroPython's queue stamps tasks that are ready with the machine's own ticks: the clock is days
# ahead of them, so that these always lie in the past.
AHEAD_MS = 1 << 28
STREAM_POLL = 3  # MP_STREAM_POLL of py/stream.h


class _Bus(bus.Bus):
    """Counts what it has received."""

    received = 0

    def _read_frame(self):
        frame = super()._read_frame()
        if frame is not None:
            self.received = (self.received + 1) & 0xFFFFFFFF
        return frame


class _IOQueue(core.IOQueue):
    """Waits for the workbench instead of for the machine's clock."""

    def wait_io_event(self, dt):
        while True:
            _bus.pump()
            self._take_ready()
            task = core._task_queue.peek()
            left_ms = ticks_diff(task.ph_key, _ticks()) if task else -1
            if task and left_ms <= 0:
                return
            _bus.send(CLOCK, struct.pack("<Ii", _bus.received, left_ms))
            _stream.wait()

    def _take_ready(self):
        # All that wait here are flags. The port's poll would pass a millisecond over each look.
        for waiting in list(self.map.values()):
            if waiting[0] is not None and waiting[2].ioctl(STREAM_POLL, select.POLLIN):
                core._task_queue.push(waiting[0])
                waiting[0] = None
                self._dequeue(waiting[2])


# Its watchdog would watch the machine's time, which has nothing to do with the tasks'.
sys.modules["machine"] = object()

_start_ms = ticks_add(ticks_ms(), AHEAD_MS)
_now_ms = 0


def _ticks():
    return ticks_add(_start_ms, _now_ms)


def _on_clock(payload):
    global _now_ms
    _now_ms = struct.unpack("<I", payload)[0]


_stream = bus_socket.Stream(int(os.getenv("GLINT_BUS_FD")))
_bus = _Bus(_stream)
bus.set(_bus)
_bus.on(CLOCK, _on_clock)
core.ticks = _ticks
core._io_queue = _IOQueue()
name = "linux"
flash = os.getenv("GLINT_FLASH")
fault = ""
slice_macs = 400000
mic = peripherals.Microphone(_bus)
camera = peripherals.Camera(_bus)
battery = peripherals.Battery(_bus)
light = peripherals.Light(_bus)
button = peripherals.Button(_bus)
