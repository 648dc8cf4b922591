# SPDX-License-Identifier: Apache-2.0
"""Stands for the module `camera` of micropython-camera-API."""

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
