# SPDX-License-Identifier: Apache-2.0
"""A XIAO ESP32S3 Sense class board: Seeed's ESP32-S3 with camera, PDM microphone, 8 MB of PSRAM."""

import s3

# Every pin, once; none was tried on silicon. Each group names its source.
# Microphone: https://wiki.seeedstudio.com/xiao_esp32s3_sense_mic, which calls its clock, 42, word
# select; 41 is its data.
PDM_CLOCK, PDM_DATA = 42, 41
# The word select that I2S insists on, and which goes nowhere: D1 of arduino-esp32's
# variants/XIAO_ESP32S3/pins_arduino.h.
PDM_UNUSED = 2
# A microphone with I2S on the pins D8, D9, D10 (same file); heard instead when MICROPHONE says so.
# The Sense's card slot is on the same three (Zephyr's boards/seeed/xiao_esp32s3): no card then.
I2S_CLOCK, I2S_WORD, I2S_DATA = 7, 8, 9
# Camera, its data Y2 to Y9: CAMERA_MODEL_XIAO_ESP32S3 in CameraWebServer/camera_pins.h of
# arduino-esp32, and the same in Zephyr's boards/seeed/xiao_esp32s3/xiao_esp32s3-pinctrl.dtsi.
CAMERA = {
    "data": (15, 17, 18, 16, 14, 12, 11, 48),
    "clock_in": 10,
    "clock_out": 13,
    "vsync": 38,
    "href": 47,
    "sda": 40,
    "scl": 39,
}
# Light, lit when low, and button BOOT, low when pressed: RIOT's
# boards/seeedstudio-xiao-esp32s3/include/board.h. 21 also selects the card in the Sense's slot.
LIGHT = 21
BUTTON = 0
# Nothing that was read names a pin that measures the battery. With two equal resistors from battery
# to ground and their middle on D0 (pins_arduino.h), this is 1.
BATTERY = None

MICROPHONE = "pdm"  # or "i2s"
# Speech at arm's length is far below what either microphone can take: 2 ** 3 = 18 dB more.
GAIN_SHIFT = 3

name = "esp32s3"
flash = ""
fault = s3.fault
slice_macs = s3.SLICE_MACS
currents_ua = s3.CURRENTS_UA
if MICROPHONE == "pdm":
    mic = s3.microphone("pdm", PDM_CLOCK, PDM_UNUSED, PDM_DATA, GAIN_SHIFT)
else:
    mic = s3.microphone("i2s", I2S_CLOCK, I2S_WORD, I2S_DATA, GAIN_SHIFT)
camera = s3.camera(CAMERA)
battery = s3.Battery(BATTERY)
light = s3.Light(LIGHT, 0)
button = s3.Button(BUTTON)


def sleep(length_ms):
    """Light sleep, while nothing listens; returns whether it slept."""
    return s3.sleep(length_ms, mic, button)
