# SPDX-License-Identifier: Apache-2.0
"""MicroPython side of the radio's tests: runs what the test sends on the bus, records every IRQ."""

import sys
import time

import board  # noqa: F401  (makes the simulation bus)
import bus as simulation_bus
from bluetooth import BLE, UUID  # noqa: F401

COMMANDS = 7
bus = simulation_bus.get()
ble = BLE()
commands = []
events = []
secrets = {}
hooks = {}


def irq(event, data):
    events.append((event, tuple(bytes(x) if isinstance(x, memoryview) else x for x in data)))
    if event in hooks:
        return hooks[event](*data)
    if event == 29:
        kind, index, key = data
        if key is not None:
            return secrets.get((kind, bytes(key)))
        found = [secret for (k, _), secret in secrets.items() if k == kind]
        return found[index] if index < len(found) else None
    if event == 30:
        kind, key, value = data
        if value is None:
            return secrets.pop((kind, bytes(key)), None) is not None
        secrets[(kind, bytes(key))] = bytes(value)
        return True


def wait_until(condition):
    for _ in range(10000):
        if condition():
            return True
        time.sleep_ms(1)
    return False


def obey(source):
    try:
        try:
            result = repr(eval(source, globals()))
        except SyntaxError:
            exec(source, globals())
            result = "None"
    except Exception as error:
        result = type(error).__name__ + repr(error.args)
    bus.send(COMMANDS, result.encode()[:4000])


bus.on(COMMANDS, lambda payload: commands.append(str(payload, "utf-8")))
bus.send(COMMANDS, b"ready")
while not bus.lost:
    while commands:
        obey(commands.pop(0))
    time.sleep_ms(1)
sys.exit(0)
