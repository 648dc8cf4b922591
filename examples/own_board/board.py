# SPDX-License-Identifier: Apache-2.0
"""A prototype of our own, with the drivers that Glint has for ESP32-S3.

    glint deploy --port /dev/ttyACM0 --board ./own_board

Every pin stands here once. On your board, write beside it which page of the schematic says so.
"""

import s3

MICROPHONE_CLOCK, MICROPHONE_WORD, MICROPHONE_DATA = 4, 5, 6
GAIN_SHIFT = 3  # 2 ** 3: speech at arm's length is 18 dB below what the microphone can take
LIGHT, LIT_WHEN = 15, 1
BUTTON = 0

name = "own_board"
flash = ""
fault = s3.fault
slice_macs = s3.SLICE_MACS
mic = s3.microphone("i2s", MICROPHONE_CLOCK, MICROPHONE_WORD, MICROPHONE_DATA, GAIN_SHIFT)
camera = None
light = s3.Light(LIGHT, LIT_WHEN)
button = s3.Button(BUTTON)


class Mains:
    """A prototype on the bench has no battery: it is always full."""

    percent = 100
    millivolts = 5000
    on_change = None


battery = Mains()
