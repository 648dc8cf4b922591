# SPDX-License-Identifier: Apache-2.0
"""The board's end of the radio, as the radio sees it: frames out, answers in order."""

from __future__ import annotations

import asyncio
import os
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

from bumble import att
from bumble.device import Connection

from workbench.emulation.radio.wire import Event

RADIO = 6  # the radio's channel on the simulation bus


class CallError(Exception):
    """A call of the board that fails with an errno."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message or (os.strerror(number) if number > 0 else "from the controller"))
        self.errno = number


class Bus(Protocol):
    """What the radio needs of a `workbench.emulation.bus.Bus`."""

    def on(self, channel: int, handler: Callable[[bytes], None]) -> None: ...

    def send(self, channel: int, data: bytes) -> None: ...


class Board:
    """Tells the firmware events and asks it what only it knows.

    Attributes:
        locked_s: How long NimBLE's host holds its lock before it asks for a secret, waiting for
            MicroPython's.
        is_locked: Whether it holds the lock now.
    """

    def __init__(self, bus: Bus) -> None:
        self.locked_s = 0.0
        self._bus = bus
        self._locks = 0
        self._waiting: deque[asyncio.Future[bytes]] = deque()

    def tell(self, event: Event, form: str, *values: int, data: bytes = b"") -> None:
        """Sends a frame: `values` packed as `form`, then `data`."""
        self._bus.send(RADIO, bytes([event]) + struct.pack("<" + form, *values) + data)

    async def ask(self, event: Event, form: str, *values: int, data: bytes = b"") -> bytes:
        """Sends a synchronous event and returns the answer."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self.tell(event, form, *values, data=data)
        return await answer

    def on_answer(self, data: bytes) -> None:
        """Takes the board's next answer."""
        if self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():  # whoever asked may have gone with its connection
                answer.set_result(data)

    def forget(self) -> None:
        """Gives up all questions; for a board that starts anew."""
        for answer in self._waiting:
            answer.cancel()
        self._waiting.clear()

    async def read(self, connection: Connection, handle: int) -> bytes:
        """The value of an attribute.

        Raises:
            att.ATT_Error: The firmware denies it.
        """
        answer = await self.ask(Event.GATTS_READ_REQUEST, "HH", connection.handle, handle)
        if answer[0]:
            raise att.ATT_Error(answer[0], handle)
        return answer[1:]

    async def write(self, connection: Connection, handle: int, value: bytes) -> None:
        """Hands a written value over and returns when it was handled."""
        await self.ask(Event.GATTS_WRITE, "HH", connection.handle, handle, data=value)

    @property
    def is_locked(self) -> bool:
        return self._locks > 0

    async def _ask_locked(self, event: Event, form: str, *values: int, data: bytes) -> bytes:
        self._locks += 1
        try:
            if self.locked_s:
                await asyncio.sleep(self.locked_s)
            return await self.ask(event, form, *values, data=data)
        finally:
            self._locks -= 1

    async def get_secret(self, kind: int, index: int, key: bytes | None) -> bytes | None:
        """Asks for a stored secret: that of `key`, or the `index`-th."""
        answer = await self._ask_locked(Event.GET_SECRET, "BB", kind, index, data=key or b"")
        return answer[1:] if answer[0] else None

    async def set_secret(self, kind: int, key: bytes, value: bytes | None) -> bool:
        """Has a secret stored, or deleted; returns whether the firmware did so."""
        answer = await self._ask_locked(
            Event.SET_SECRET, "BB", kind, len(key), data=key + (value or b"")
        )
        return bool(answer[0])
