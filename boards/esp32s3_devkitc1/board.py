# SPDX-License-Identifier: Apache-2.0
"""An ESP32-S3-DevKitC-1 that its owner wired, with the pins in board.json."""

import s3

name = "esp32s3_devkitc1"
flash = ""
fault = s3.fault
slice_macs = s3.SLICE_MACS
currents_ua = s3.CURRENTS_UA
_wired = s3.Wired()
mic = _wired.mic
camera = _wired.camera
battery = _wired.battery
light = _wired.light
button = _wired.button
