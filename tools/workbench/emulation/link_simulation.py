# SPDX-License-Identifier: Apache-2.0
"""Sends events and media over a simulated link of given timing, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import glint
from glint.backend import client as backend_client
from glint.errors import GlintError, RequestError
from glint.events import Button, Gap
from glint.smp import Rc

from workbench.build import micropython
from workbench.emulation.bus import (
    CAMERA,
    JPEG,
    PAYLOAD_MAX_BYTES,
    PICTURE_BEGIN,
    PICTURE_DATA,
    Peripherals,
)
from workbench.emulation.medium import Medium, Timing, serve
from workbench.emulation.radio.radio import Radio
from workbench.emulation.radio.stacks import DEFAULT
from workbench.emulation.virtual_time import VirtualTimeLinux

# The error code of a lost link: Core 5.4, Vol 1, Part F, 1.3.
_CONNECTION_TIMEOUT = 0x08
_READY_TIMEOUT_S = 10.0
_BUSY_PAUSE_S = 0.02
_SETTLE_S = 0.5
_ADPCM_BYTES_PER_S = 8000
# An event record of the button: header, and the map {"pressed": true}.
EVENT_BYTES = 9 + 10
# Fifty times as fast as real time, so that no link keeps up.
_HEARD_BYTES = 16000
_HEARD_EVERY_S = 0.01


@dataclass
class Tally:
    """Counts of what was sent, arrived and was lost.

    Attributes:
        sent: Events made, or objects asked for.
        arrived: Those that arrived unchanged.
        reported: Those that were reported to the companion as lost.
        wrong: Those that arrived changed.
        reasons: The reasons reported to the companion, and how often.
        bytes: Of those that arrived.
        seconds: How long it took.
    """

    sent: int = 0
    arrived: int = 0
    reported: int = 0
    wrong: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0

    @property
    def undetected(self) -> int:
        """How many were lost without a report."""
        return self.sent - self.arrived - self.reported


@dataclass
class Simulation:
    """Emulated glasses with simulated peripherals.

    Attributes:
        radio: The glasses' Bluetooth.
        address: The HCI transport, as `glint.connect` takes it.
        flash: Folder that stands for the glasses' flash.
        lights: The values that the privacy light was set to.
        photo_bytes: Length of the pictures that the camera takes.
        disconnects: Links that were dropped on purpose.
    """

    medium: Medium
    peripherals: Peripherals
    radio: Radio
    address: str
    flash: Path
    lights: list[bool]
    photo_bytes: int = 20480
    disconnects: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(1))
    _pictures: set[bytes] = field(default_factory=set)

    def look(self, payload: bytes) -> None:
        """Takes a picture: random bytes for a JPEG, which the glasses never decode."""
        _, form, width, height = struct.unpack("<BBHH", payload)
        if form == JPEG:
            picture = self._random.randbytes(self.photo_bytes)
            self._pictures.add(picture)
        else:
            picture = bytes(width * height)
        send = self.peripherals.bus.send
        send(CAMERA, struct.pack("<BI", PICTURE_BEGIN, len(picture)))
        step = PAYLOAD_MAX_BYTES - 1
        for at in range(0, len(picture), step):
            send(CAMERA, bytes([PICTURE_DATA]) + picture[at : at + step])

    def drop(self) -> None:
        """Ends every connection as a supervision timeout does."""
        self.disconnects += 1
        for controller in list(self.medium.controllers):
            controller.end_connections(_CONNECTION_TIMEOUT)

    @contextlib.asynccontextmanager
    async def dropping(self, least_s: float, most_s: float) -> AsyncIterator[None]:
        """Drops every connection after a random time, repeatedly."""

        async def drop() -> None:
            while True:
                await asyncio.sleep(self._random.uniform(least_s, most_s))
                self.drop()

        task = asyncio.create_task(drop())
        try:
            yield
        finally:
            task.cancel()

    async def events(self, glasses: glint.Glasses, count: int, ahead: int = 128) -> Tally:
        """Presses the button `count` times, and reads the resulting events.

        Args:
            glasses: Connected.
            count: Number of events.
            ahead: How many may be in flight; those beyond the journal's size are lost and reported.
        """
        tally = Tally()
        loop = asyncio.get_running_loop()
        reader = glasses.events((await glasses.status()).next)
        room = asyncio.Semaphore(ahead)

        async def press() -> None:
            for number in range(count):
                await room.acquire()
                tally.sent += 1
                self.peripherals.button(bool(number & 1))

        start_s = loop.time()
        pressing = asyncio.create_task(press())
        done = 0
        while done < count:
            event = await anext(reader)
            if isinstance(event, Gap):
                tally.reported += event.count
                done += event.count
                for _ in range(event.count):
                    room.release()
            elif isinstance(event, Button):
                if event.pressed != bool(done & 1):
                    tally.wrong += 1
                tally.arrived += 1
                tally.bytes += EVENT_BYTES
                done += 1
                room.release()
        tally.seconds = loop.time() - start_s
        await pressing
        return tally

    async def photos(self, glasses: glint.Glasses, count: int, at_once: int) -> Tally:
        """Takes `count` photos, each while the previous one is being transferred."""

        async def take() -> bytes:
            return (await glasses.photo()).data

        return await self._objects(take, count, at_once)

    async def files(self, glasses: glint.Glasses, count: int, nbytes: int) -> Tally:
        """Reads a file `count` times."""
        data = self._random.randbytes(nbytes)
        (self.flash / "models" / "measured.bin").write_bytes(data)

        async def read() -> bytes:
            self._pictures.add(data)
            return await glasses.get_file("models/measured.bin")

        return await self._objects(read, count, 1)

    async def recordings(self, glasses: glint.Glasses, count: int, seconds: float) -> Tally:
        """Makes `count` recordings, from a microphone that is faster than any link."""
        nbytes = round(seconds * _ADPCM_BYTES_PER_S)

        async def listen() -> bytes:
            async with self.hearing():
                audio = await glasses.record(seconds)
            # ADPCM is two samples a byte; PCM four bytes.
            assert len(audio.pcm) == 4 * nbytes
            data = bytes(nbytes)
            self._pictures.add(data)  # the sound is random, so its CRC-32 decides
            return data

        return await self._objects(listen, count, 1)

    @contextlib.asynccontextmanager
    async def hearing(self, every_s: float = _HEARD_EVERY_S) -> AsyncIterator[None]:
        """Plays half a second of noise to the microphone every `every_s`."""

        async def play() -> None:
            while True:
                await self.peripherals.mic.play(
                    self._random.randbytes(_HEARD_BYTES), realtime=False
                )
                await asyncio.sleep(every_s)

        task = asyncio.create_task(play())
        try:
            yield
        finally:
            task.cancel()

    async def _objects(self, get, count: int, at_once: int) -> Tally:  # type: ignore[no-untyped-def]
        tally = Tally()
        loop = asyncio.get_running_loop()
        start_s = loop.time()

        async def work() -> None:
            while tally.sent < count:
                tally.sent += 1
                while True:
                    try:
                        data = await get()
                        break
                    except RequestError as error:
                        if error.rc != Rc.BUSY:
                            raise
                        await asyncio.sleep(_BUSY_PAUSE_S)
                    except GlintError as error:
                        tally.reported += 1
                        name = type(error).__name__
                        tally.reasons[name] = tally.reasons.get(name, 0) + 1
                        data = b""
                        break
                if data in self._pictures:
                    tally.arrived += 1
                    tally.bytes += len(data)
                    self._pictures.discard(data)
                elif data:
                    tally.wrong += 1

        await asyncio.gather(*(work() for _ in range(at_once)))
        tally.seconds = loop.time() - start_s
        return tally


@contextlib.asynccontextmanager
async def simulated_link(
    timing: Timing, folder: Path, mtu: int = 517, stack: str = DEFAULT
) -> AsyncIterator[Simulation]:
    """Starts advertising glasses on a `VirtualTimeLoop`, for as long as the block lasts.

    Args:
        timing: The timing of the medium.
        folder: Holds the glasses' flash, created if necessary, and the medium's socket.
        mtu: The MTU that the companion's operating system asks for.
        stack: The Bluetooth stack that the glasses imitate.

    Raises:
        TimeoutError: The glasses do not come up.
    """
    (folder / "models").mkdir(exist_ok=True)
    # The glasses detect nothing by themselves; they only do what is requested.
    (folder / "config.json").write_text(json.dumps({"words": [], "vision": "none"}))
    medium = Medium(timing)
    async with contextlib.AsyncExitStack() as cleanup:
        server = await serve(medium, f"unix:{folder / 'hci'}")
        cleanup.push_async_callback(server.close)
        board = VirtualTimeLinux(micropython.ensure("linux"), folder, lambda line: None)
        bus = await board.start()
        cleanup.push_async_callback(board.stop)
        lights: list[bool] = []
        radio = Radio(bus, server.address, stack=stack)
        simulation = Simulation(
            medium, Peripherals(bus, lights.append), radio, server.address, folder, lights
        )
        bus.on(CAMERA, simulation.look)
        await radio.start()
        cleanup.push_async_callback(radio.close)
        reading = asyncio.create_task(bus.run())
        cleanup.callback(reading.cancel)
        await asyncio.wait_for(radio.advertising.wait(), _READY_TIMEOUT_S)
        await asyncio.sleep(_SETTLE_S)  # the application listens to its peripherals a little later
        wanted, backend_client.ATT_MTU_WANTED = backend_client.ATT_MTU_WANTED, mtu
        try:
            yield simulation
        finally:
            backend_client.ATT_MTU_WANTED = wanted
            await asyncio.sleep(_SETTLE_S)  # the glasses advertise again
