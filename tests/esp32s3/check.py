# SPDX-License-Identifier: Apache-2.0
"""Plays the hardware to boards/esp32s3/board.py on the linux board; prints it all as JSON."""

import asyncio
import gc
import json
import sys

import bluetooth
import board
import camera
import esp32
import machine
import micdsp
import pdm

values = {name: getattr(board, name) for name in dir(board) if name.isupper()}
said = {"constants": {k: v for k, v in values.items() if isinstance(v, (int, tuple))}}
bits = sys.stdin.buffer.read()
hop = board.PDM_HOP_BYTES

# Light sleep: only while neither microphone nor Bluetooth listen.
receiver, board.mic = board.mic, board.Microphone()
said["sleep"] = [board.sleep(500)]
bluetooth.BLE.on = True
said["sleep"].append(board.sleep(500))
bluetooth.BLE.on = False

# Our image's receiver hands on what arrives.
receiver.start()
said["receiver"] = [list(pdm.made[0].settings), receiver.any()]
pdm.made[0].receive(b"abcdef")
asyncio.run(asyncio.wait_for(receiver.wait(), 1))
heard = bytearray(4)
said["receiver"] += [receiver.any(), receiver.readinto(heard), bytes(heard).decode()]
said["receiver"] += [receiver.any(), receiver.lost_bytes]

# The microphone on MicroPython's own image: each hop of bits becomes a hop of samples, without
# allocating.
board.mic.start()
said["sleep"] += [board.sleep(500), machine.slept_ms, esp32.woken_by]
said["i2s"] = [machine.i2s.settings[key] for key in ("rate", "bits", "format", "ibuf")]
said["pins"] = [machine.i2s.settings[key].number for key in ("sck", "sd")]
expected = bytearray(320)
decimator = micdsp.PdmDecimator(board.PDM_GAIN_SHIFT)
heard, same, views = bytearray(320), 0, []
for start in range(0, len(bits), hop):
    views.append(memoryview(bits)[start : start + hop])
for view in views[:2]:
    machine.i2s.receive(view)
    decimator.process(view, expected)
    board.mic.readinto(heard)
allocated = 0
for view in views[2:]:
    machine.i2s.fill(view)
    gc.collect()
    before = gc.mem_alloc()
    machine.i2s.handler(machine.i2s)
    board.mic.readinto(heard)
    allocated += gc.mem_alloc() - before
    decimator.process(view, expected)
    same += heard == expected
said["allocated"] = allocated
said["same"] = [same, len(views) - 2]
for view in views[:60]:
    machine.i2s.receive(view)
said["lost"] = board.mic.lost_bytes

# A callback that got lost: the timer goes on with the hop that nobody told of.
late = machine.timers[2]
late.fire()
said["late"] = [board.mic.lost_bytes]
machine.i2s.fill(views[0])
late.fire()
said["late"].append(board.mic.lost_bytes)
machine.i2s.receive(views[1])
late.fire()
said["late"].append(board.mic.lost_bytes)
asyncio.run(asyncio.wait_for(board.mic.wait(), 1))

# Light, button, battery.
board.light.set(True)
said["light"] = [machine.pins[21].level]
board.light.set(False)
said["light"].append(machine.pins[21].level)
presses = []
board.button.on_change = presses.append
button = machine.pins[0]
for level in (0, 1, 0):  # it bounces
    button.drive(level)
machine.timers[1].fire()
button.drive(1)
machine.timers[1].fire()
machine.timers[1].fire()
said["presses"] = presses
said["charge"] = [board.charge(mv) for mv in (3000, 3270, 3800, 4000, 4200, 4300)]
machine.ADC.microvolts = 1900000
measured = board.Battery(1)
said["battery"] = [measured.millivolts, measured.percent, board.battery.percent]


# The camera: on only while it takes a picture.
async def pictures():
    grey = await board.camera.capture(board.camera.GREY, 96, 96)
    jpeg = await board.camera.capture(board.camera.JPEG, 640, 480)
    said["pictures"] = [len(grey), len(jpeg)]
    try:
        await board.camera.capture(board.camera.GREY, 100, 100)
    except OSError as error:
        said["refused"] = str(error)


asyncio.run(pictures())
said["still_on"] = sum(opened.on for opened in camera.opened)
print(json.dumps(said))
