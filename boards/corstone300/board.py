# SPDX-License-Identifier: Apache-2.0
"""The corstone300 board: an emulated Cortex-M55 as a pair of glasses.

The workbench simulates its peripherals and radio, over the simulation bus on the second UART.
"""

import time

import bus
import machine
import peripherals


def _pump(_):
    try:
        _bus.pump_scheduled()
    except OSError:
        if not _bus.lost:
            raise
        mic.wake()  # the perception loop is the one to end the program


_uart = machine.UART(1)
_bus = bus.Bus(_uart)
bus.set(_bus)
name = "corstone300"
flash = ""
fault = machine.fault()
# Multiply-accumulates in one slice of a vision inference, for at most 5 ms of it.
slice_macs = 100000
mic = peripherals.Microphone(_bus)
camera = peripherals.Camera(_bus)
battery = peripherals.Battery(_bus)
light = peripherals.Light(_bus)
button = peripherals.Button(_bus)

_uart.irq(_pump, machine.UART.IRQ_RX)
# The workbench tells of a button that is held as soon as it sees the bus opened.
time.sleep_ms(100)
