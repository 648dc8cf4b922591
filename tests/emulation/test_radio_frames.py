# SPDX-License-Identifier: Apache-2.0
"""The radio survives any bytes that a board puts on the simulation bus."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from workbench.emulation.medium import Medium, serve
from workbench.emulation.radio.radio import Radio
from workbench.emulation.radio.wire import IN_EVENT, Event, Item, Op


class Bus:
    """The board's end of the bus, driven by the test."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()

    def on(self, channel: int, handler: Callable[[bytes], None]) -> None:
        assert channel == 6
        self.board_sends = handler

    def send(self, channel: int, data: bytes) -> None:
        assert channel == 6
        self.sent.put_nowait(data)

    async def reply(self) -> bytes:
        while True:
            frame = await asyncio.wait_for(self.sent.get(), 5)
            if frame[0] == Event.REPLY:
                return frame[1:]


POSTS = (Op.NOTIFY, Op.INDICATE, Op.UPDATE, Op.ANSWER, Op.PAUSE)


@pytest.mark.parametrize("on", [False, True])
async def test_broken_frames(on: bool) -> None:
    medium = Medium()
    server = await serve(medium, "tcp:127.0.0.1:0")
    bus = Bus()
    radio = Radio(bus, server.address)
    await radio.start()
    if on:
        bus.board_sends(bytes([Op.ACTIVE, 1]) + bytes(16))
        assert (await bus.reply())[:2] == bytes(2)
    rng = random.Random(5)
    harmless = [op for op in range(256) if op & ~IN_EVENT != Op.ACTIVE]
    frames = [bytes([rng.choice(harmless)]) + rng.randbytes(rng.randrange(12)) for _ in range(2000)]
    for frame in (*frames, b""):
        bus.board_sends(frame)
        if rng.random() < 0.1:
            await asyncio.sleep(0)
    bus.board_sends(bytes([Op.CONFIG, Item.GAP_NAME]) + b"still here")
    for frame in (*frames, b""):
        if not frame or frame[0] & ~IN_EVENT not in POSTS:
            await bus.reply()
    assert await bus.reply() == bytes(2)
    await radio.close()
    await server.close()
