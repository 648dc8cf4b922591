# SPDX-License-Identifier: Apache-2.0
"""Replaces the module `camera` of micropython-camera-API, as read at commit 8df3f70.

src/modcamera_api.c has the type of data_pins (line 133), `capture` (223) and `deinit` (284); the
names of formats and sizes are in src/modcamera.c (lines 239 to 280). The values of both are
esp32-camera's there; here a size is its number of pixels. A `capture` that fails is not emulated.
"""

opened = []


class PixelFormat:
    GRAYSCALE, JPEG = "grey", "jpeg"


class FrameSize:
    R96X96, QQVGA, R240X240, QVGA, VGA = 96 * 96, 160 * 120, 240 * 240, 320 * 240, 640 * 480


class Camera:
    def __init__(self, **settings):
        if not isinstance(settings["data_pins"], (list, bytearray)):
            raise TypeError("data_pins must be a list or bytearray")
        self.settings = settings
        self.on = True
        self.frames = 0
        opened.append(self)

    def capture(self):
        self.frames += 1
        if self.settings["pixel_format"] == PixelFormat.JPEG:
            return memoryview(b"\xff\xd8 %d" % self.frames)
        return memoryview(bytes(self.settings["frame_size"]))

    def deinit(self):
        self.on = False
