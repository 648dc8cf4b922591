# SPDX-License-Identifier: Apache-2.0
"""The linux board: MicroPython's unix port as a pair of glasses.

GLINT_BUS_FD is a socket to the workbench, which carries the peripherals and the radio; GLINT_FLASH
is the folder that stands for the flash; GLINT_FAULT is the signal that ended the last run, if any;
with GLINT_KEYPAD, the glasses have keys for digits.
"""

import _thread
import os

import bus
import bus_socket
import peripherals
from micropython import schedule


def _watch(stream):
    """Schedules the bus's pump when bytes arrive, as a UART's interrupt would."""
    pumped = _thread.allocate_lock()

    def run(_):
        try:
            _bus.pump_scheduled()
        except OSError:
            if not _bus.lost:
                raise
            mic.wake()  # the perception loop is the one to end the program
        finally:
            pumped.release()

    while not _bus.lost:
        stream.wait()
        pumped.acquire()
        while True:
            try:
                schedule(run, None)
                break
            except RuntimeError:  # the scheduler's queue is full
                pass
        pumped.acquire()
        pumped.release()


_stream = bus_socket.Stream(int(os.getenv("GLINT_BUS_FD")))
_bus = bus.Bus(_stream)
bus.set(_bus)
name = "linux"
flash = os.getenv("GLINT_FLASH")
fault = os.getenv("GLINT_FAULT") or ""
# Multiply-accumulates in one slice of a vision inference, for at most 5 ms of it.
slice_macs = 400000
mic = peripherals.Microphone(_bus)
camera = peripherals.Camera(_bus)
battery = peripherals.Battery(_bus)
light = peripherals.Light(_bus)
button = peripherals.Button(_bus)
digits = peripherals.Keys(_bus) if os.getenv("GLINT_KEYPAD") else None

_bus.pump()  # a button that is held
_thread.start_new_thread(_watch, (_stream,))
