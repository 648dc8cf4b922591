# SPDX-License-Identifier: Apache-2.0
"""The workbench's end of the simulation bus, and the peripherals that it simulates over it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import time
from collections.abc import Callable
from pathlib import Path

from workbench.emulation.pictures import PictureError, grey, jpeg, load_folder

log = logging.getLogger(__name__)

MIC, CAMERA, BUTTON, BATTERY, LIGHT, RADIO = range(1, 7)
KEYS = 8
PAYLOAD_MAX_BYTES = 4096
SAMPLE_RATE_HZ = 16000
BYTES_PER_SECOND = SAMPLE_RATE_HZ * 2
MIC_CHUNK_BYTES = 320  # one hop: 10 ms

CAPTURE = 1
GREY, JPEG = 0, 1
PICTURE_BEGIN, PICTURE_DATA, PICTURE_ERROR = 1, 2, 3


class Bus:
    """Frames to and from emulated glasses: u8 channel, u8 zero, u16 length (LE), payload."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._handlers: dict[int, Callable[[bytes], None]] = {}

    def on(self, channel: int, handler: Callable[[bytes], None]) -> None:
        """Calls `handler` with the payload of every frame of `channel`."""
        self._handlers[channel] = handler

    def send(self, channel: int, data: bytes) -> None:
        """Queues one frame.

        Raises:
            ValueError: More than PAYLOAD_MAX_BYTES.
        """
        if len(data) > PAYLOAD_MAX_BYTES:
            raise ValueError(f"{len(data)} bytes do not fit a frame of {PAYLOAD_MAX_BYTES}")
        self._writer.write(struct.pack("<BBH", channel, 0, len(data)) + data)

    async def run(self) -> None:
        """Dispatches frames until the glasses close their end."""
        while True:
            try:
                channel, _, length = struct.unpack("<BBH", await self._reader.readexactly(4))
                payload = await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            handler = self._handlers.get(channel)
            if handler is None:
                log.warning("simulation bus: nothing listens to channel %d", channel)
                continue
            try:
                handler(payload)
            except struct.error as error:
                log.error("simulation bus: a broken frame on channel %d: %s", channel, error)

    async def close(self) -> None:
        """Closes the stream; the glasses see its end."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Microphone:
    """Plays samples to the glasses, as fast as real time or as fast as they listen.

    The glasses grant credit in bytes, and nothing is sent beyond it. So no sample is ever lost: if
    the glasses cannot keep up, sound arrives late but complete.

    Attributes:
        muted: Silence is sent instead of the samples.
    """

    def __init__(self, bus: Bus) -> None:
        self.muted = False
        self._granted = asyncio.Event()
        self.attach(bus)

    def attach(self, bus: Bus) -> None:
        """Goes on with glasses that have started anew."""
        self._bus = bus
        self._room_bytes = 0
        bus.on(MIC, self._on_credit)

    def _on_credit(self, payload: bytes) -> None:
        self._room_bytes += int(struct.unpack("<I", payload)[0])
        self._granted.set()

    async def _send(self, chunk: bytes) -> None:
        while self._room_bytes < len(chunk):
            self._granted.clear()
            await self._granted.wait()
        self._room_bytes -= len(chunk)
        self._bus.send(MIC, bytes(len(chunk)) if self.muted else chunk)

    async def play(
        self,
        samples: bytes,
        *,
        realtime: bool = True,
        on_start: Callable[[float], None] | None = None,
    ) -> None:
        """Plays int16 little-endian 16 kHz mono samples.

        Args:
            samples: What to play; the last hop is padded with silence.
            realtime: Keep to 16,000 samples a second; else as fast as the glasses accept them.
            on_start: Called with the monotonic time (s) at which sample 0 would be spoken.
        """
        samples += bytes(-len(samples) % MIC_CHUNK_BYTES)
        start: float | None = None
        for offset in range(0, len(samples), MIC_CHUNK_BYTES):
            if realtime and start is not None:
                # A chunk can be sent only after the time of its last sample.
                due = start + (offset + MIC_CHUNK_BYTES) / BYTES_PER_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._send(samples[offset : offset + MIC_CHUNK_BYTES])
            if start is None:
                start = time.monotonic() - MIC_CHUNK_BYTES / BYTES_PER_SECOND
                if on_start:
                    on_start(start)


class Camera:
    """Answers captures with the pictures of a folder, and moves to the next one after each JPEG."""

    def __init__(self, bus: Bus) -> None:
        self._scenes: list[Path] = []
        self._scene = 0
        self.attach(bus)

    def attach(self, bus: Bus) -> None:
        """Goes on with glasses that have started anew."""
        self._bus = bus
        bus.on(CAMERA, self._on_request)

    def show(self, folder: Path) -> None:
        """Shows the pictures of `folder` to the camera, in the order of their names.

        Raises:
            PictureError: The folder holds no picture.
        """
        self._scenes = load_folder(folder)
        self._scene = 0

    def next(self) -> None:
        """Shows the next picture to the camera."""
        self._scene += 1

    def _on_request(self, payload: bytes) -> None:
        op, form, width, height = struct.unpack("<BBHH", payload)
        try:
            if op != CAPTURE or form not in (GREY, JPEG):
                raise PictureError(f"no such capture: op {op}, format {form}")
            if not self._scenes:
                raise PictureError("nothing in front of the lens")
            path = self._scenes[self._scene % len(self._scenes)]
            picture = (grey if form == GREY else jpeg)(path, width, height)
        except PictureError as error:
            self._bus.send(CAMERA, bytes([PICTURE_ERROR]) + str(error).encode()[:200])
            return
        if form == JPEG:
            self._scene += 1
        self._bus.send(CAMERA, struct.pack("<BI", PICTURE_BEGIN, len(picture)))
        step = PAYLOAD_MAX_BYTES - 1
        for offset in range(0, len(picture), step):
            data = picture[offset : offset + step]
            self._bus.send(CAMERA, bytes([PICTURE_DATA]) + data)


# The light's value for one blink (boards/README.md).
BLINK = b"\x02"


class Peripherals:
    """All peripherals of one pair of emulated glasses.

    Attributes:
        blinks: How often the light blinked as a signal to the wearer; privacy is not counted.
    """

    def __init__(self, bus: Bus, on_light: Callable[[bool], None]) -> None:
        self.mic = Microphone(bus)
        self.camera = Camera(bus)
        self._on_light = on_light
        self._lit: bool | None = None
        self.blinks = 0
        self._battery = b""
        self._pressed = False
        self._listen(bus)

    def _listen(self, bus: Bus) -> None:
        self.bus = bus
        bus.on(LIGHT, self._on_level)

    def _on_level(self, payload: bytes) -> None:
        if payload == BLINK:
            self.blinks += 1
        lit = payload == b"\x01"
        if lit != self._lit:
            self._lit = lit
            self._on_light(lit)

    def attach(self, bus: Bus) -> None:
        """Continues with glasses that have restarted; the peripherals keep their state."""
        self.mic.attach(bus)
        self.camera.attach(bus)
        self._listen(bus)
        if self._pressed:
            bus.send(BUTTON, b"\x01")
        if self._battery:
            bus.send(BATTERY, self._battery)

    def battery(self, percent: int, millivolts: int) -> None:
        """Sets the charge that the glasses read."""
        self._battery = struct.pack("<BH", percent, millivolts)
        self.bus.send(BATTERY, self._battery)

    def type(self, text: str) -> None:
        """Types digits on the keys, if the glasses have any."""
        self.bus.send(KEYS, text.encode())

    def button(self, pressed: bool) -> None:
        """Presses or releases the wearer's button."""
        self._pressed = pressed
        self.bus.send(BUTTON, bytes([pressed]))
