# SPDX-License-Identifier: Apache-2.0
"""Runs boards/esp32s3/board.py on emulated hardware on the linux board; prints JSON."""

import asyncio
import gc
import io
import json
import struct
import sys

import bluetooth
import board
import camera
import esp32
import machine
import micdsp
import pdm
import s3

values = {name: getattr(board, name) for name in dir(board) if name.isupper()}
said = {"constants": {k: v for k, v in values.items() if isinstance(v, (int, dict))}}
bits = sys.stdin.buffer.read()
hop = s3.PDM_HOP_BYTES

# Light sleep: only while neither microphone nor Bluetooth listen.
receiver = board.mic
pins = (board.PDM_CLOCK, board.PDM_UNUSED, board.PDM_DATA, board.GAIN_SHIFT)
mic = board.mic = s3.I2SMicrophone("pdm", *pins)
said["sleep"] = [board.sleep(500)]
bluetooth.BLE.on = True
said["sleep"].append(board.sleep(500))
bluetooth.BLE.on = False

# The receiver of our image passes on what arrives.
receiver.start()
said["receiver"] = [list(pdm.made[0].settings), receiver.any()]
pdm.made[0].receive(b"abcdef" * 60)
asyncio.run(asyncio.wait_for(receiver.wait(), 1))
heard = bytearray(4)
said["receiver"] += [receiver.any(), receiver.readinto(heard), bytes(heard).decode()]
said["receiver"] += [receiver.any(), receiver.lost_bytes]
receiver.stop()
said["receiver"].append(pdm.made[0].open)
words = s3.Receiver("i2s", 4, 5, 6, 2)
words.start()
said["receiver"].append(list(pdm.made[1].settings))
words.stop()

# The microphone on MicroPython's own image: bits become samples, in whatever pieces they come,
# without allocating.
mic.start()
said["sleep"] += [board.sleep(500), machine.slept_ms, esp32.woken_by]
i2s = machine.i2s
said["i2s"] = [i2s.settings[key] for key in ("rate", "bits", "format", "ibuf")]
said["pins"] = [i2s.settings[key].number for key in ("sck", "sd")]
decimator = micdsp.PdmDecimator(board.GAIN_SHIFT)
expected = bytearray(len(bits) // hop * 320)
decimator.process(memoryview(bits)[: len(bits) // hop * hop], expected)
heard = bytearray(len(expected))
got = 0
for start in range(0, len(bits), 3000):
    i2s.arrive(bits[start : start + 3000])
    got += mic.readinto(memoryview(heard)[got:])
said["same"] = [got, bytes(heard[:got]) == bytes(expected[:got]), len(expected)]
said["lost"] = [mic.lost_bytes]
mic._i2s = io.BytesIO(bits[: 5 * hop])
gc.collect()
before = gc.mem_alloc()
machine.timers[2].fire()
said["allocated"] = gc.mem_alloc() - before
mic._i2s = i2s
mic.readinto(heard)
for _ in range(60):
    i2s.arrive(bits[:hop])
said["lost"].append(mic.lost_bytes + mic.any())
mic.stop()
said["stopped"] = [i2s.open, mic.started, machine.timers[2].callback]

# An I2S microphone: 24 bits in words of 32; the highest bits are used, and made louder.
mic = s3.I2SMicrophone("i2s", 4, 5, 6, 2)
mic.start()
i2s = machine.i2s
said["words"] = [i2s.settings[key] for key in ("rate", "bits", "format", "ibuf")]
words = struct.pack("<8i", 1 << 16, -1 << 16, 5 << 14, 1 << 30, -1 << 30, 1, -1, 1 << 8)
i2s.arrive(words * 40)
heard = bytearray(320)
mic.readinto(heard)
said["words"] += [list(struct.unpack("<8h", heard)), i2s.rest]
mic.stop()

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
said["charge"] = [s3.charge(mv) for mv in (3000, 3270, 3800, 4000, 4200, 4300)]
machine.ADC.microvolts = 1900000
measured = s3.Battery(1)
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
    # While the glasses watch it stays on, also beside a photo, which takes it for a moment.
    board.camera.hold(True)
    held = []
    small, large = (board.camera.GREY, 96, 96), (board.camera.JPEG, 640, 480)
    for wanted in (small, small, large, small):
        await board.camera.capture(*wanted)
        held.append([opened.on for opened in camera.opened[2:]])
    said["held"] = held


asyncio.run(pictures())
board.camera.hold(False)
said["still_on"] = sum(opened.on for opened in camera.opened)
print(json.dumps(said))
