# SPDX-License-Identifier: Apache-2.0
"""Microphone, camera, battery, light and button of an emulated board, over the simulation bus.

Each has the interface that boards/README.md asks of a board, so the firmware sees no difference.
"""

import asyncio
import struct

import bus as simulation_bus
from micropython import RingIO

# What a driver's DMA buffers would hold: half a second of 16 kHz, 16-bit samples.
MIC_BUFFER_BYTES = 16000
# Room for samples is given back in steps, to spare a frame on the bus for every hop.
MIC_CREDIT_BYTES = 1600

CAPTURE = 1
PICTURE_BEGIN = 1
PICTURE_DATA = 2
PICTURE_ERROR = 3
CAPTURE_TIMEOUT_MS = 10000
PICTURE_MAX_BYTES = 1 << 20


class Microphone:
    """16 kHz mono int16 samples; none are lost, since the workbench sends no more than fits."""

    def __init__(self, bus):
        self._bus = bus
        self._ring = RingIO(MIC_BUFFER_BYTES)
        self._arrived = asyncio.ThreadSafeFlag()
        self._taken_bytes = 0
        self._credit = bytearray(4)
        bus.on(simulation_bus.MIC, self._on_samples)

    def start(self):
        self._give_credit(MIC_BUFFER_BYTES)

    def any(self):
        """Bytes waiting."""
        return self._ring.any()

    def readinto(self, buf):
        """Fills `buf` from what has arrived and returns the bytes read; never blocks."""
        n = self._ring.readinto(buf) or 0
        self._taken_bytes += n
        if self._taken_bytes >= MIC_CREDIT_BYTES:
            self._give_credit(self._taken_bytes)
            self._taken_bytes = 0
        return n

    async def wait(self):
        """Returns when samples have arrived since the last call. Raises OSError at their end."""
        await self._arrived.wait()
        self._bus.check()

    def wake(self):
        """Ends a wait without samples."""
        self._arrived.set()

    def _give_credit(self, nbytes):
        struct.pack_into("<I", self._credit, 0, nbytes)
        self._bus.send(simulation_bus.MIC, self._credit)

    def _on_samples(self, payload):
        self._ring.write(payload)
        self._arrived.set()


class Camera:
    """A camera that takes the pictures that the workbench shows it."""

    GREY = 0
    JPEG = 1

    def __init__(self, bus):
        self._bus = bus
        self._arrived = asyncio.ThreadSafeFlag()
        self._lock = asyncio.Lock()
        bus.on(simulation_bus.CAMERA, self._on_picture)

    async def capture(self, form, width, height):
        """Takes a picture: `width` * `height` bytes of GREY, or a JPEG of about that size.

        Raises OSError when there is no picture, with the camera's reason.
        """
        async with self._lock:
            self._picture = None
            self._error = None
            self._bus.send(
                simulation_bus.CAMERA, struct.pack("<BBHH", CAPTURE, form, width, height)
            )
            while self._error is None and (
                self._picture is None or self._filled < len(self._picture)
            ):
                try:
                    await asyncio.wait_for_ms(self._arrived.wait(), CAPTURE_TIMEOUT_MS)
                except asyncio.TimeoutError:
                    raise OSError("camera: no picture came within %d ms" % CAPTURE_TIMEOUT_MS)
            if self._error is not None:
                raise OSError("camera: " + self._error)
            picture, self._picture = self._picture, None
            return picture

    def _on_picture(self, payload):
        op = payload[0]
        if not self._lock.locked():
            return  # nobody takes a picture any more
        if op == PICTURE_BEGIN:
            nbytes = struct.unpack_from("<I", payload, 1)[0]
            if nbytes > PICTURE_MAX_BYTES:
                self._error = "a picture of %d bytes" % nbytes
            else:
                self._picture = bytearray(nbytes)
                self._filled = 0
        elif op == PICTURE_DATA and self._picture is not None:
            data = payload[1 : 1 + len(self._picture) - self._filled]
            self._picture[self._filled : self._filled + len(data)] = data
            self._filled += len(data)
        elif op == PICTURE_ERROR:
            self._error = str(payload[1:], "utf-8")
        self._arrived.set()


class Battery:
    """A battery whose charge the workbench sets; full until then."""

    percent = 100
    millivolts = 4200

    def __init__(self, bus):
        self.on_change = None
        bus.on(simulation_bus.BATTERY, self._on_level)

    def _on_level(self, payload):
        self.percent, self.millivolts = struct.unpack("<BH", payload)
        if self.on_change:
            self.on_change()


class Light:
    """The privacy light, whose changes the workbench sees."""

    def __init__(self, bus):
        self._bus = bus

    def set(self, on):
        self._bus.send(simulation_bus.LIGHT, bytes((int(on),)))


class Keys:
    """Keys for digits; `on_typed(text)` is called with what the wearer has typed."""

    def __init__(self, bus):
        self.on_typed = None
        bus.on(simulation_bus.KEYS, self._on_text)

    def _on_text(self, payload):
        if self.on_typed:
            self.on_typed(str(payload, "utf-8"))


class Button:
    """The wearer's button; `on_change(pressed)` is called at each change."""

    def __init__(self, bus):
        self.on_change = None
        self.pressed = False
        bus.on(simulation_bus.BUTTON, self._on_button)

    def _on_button(self, payload):
        self.pressed = bool(payload[0])
        if self.on_change:
            self.on_change(bool(payload[0]))
