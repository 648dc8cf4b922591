# SPDX-License-Identifier: Apache-2.0
"""The radio's connection to the board: sends it event frames and matches its answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

from bumble import att
from bumble.device import Connection

from workbench.emulation.radio.wire import NEED_LOCK, Event

log = logging.getLogger(__name__)

RADIO = 6  # the radio's channel on the simulation bus


class CallError(Exception):
    """A call of the board that fails with an errno."""

    def __init__(self, number: int, message: str = "") -> None:
        super().__init__(message or (os.strerror(number) if number > 0 else "from the controller"))
        self.errno = number


class Bus(Protocol):
    """The part of `workbench.emulation.bus.Bus` that the radio uses."""

    def on(self, channel: int, handler: Callable[[bytes], None]) -> None: ...

    def send(self, channel: int, data: bytes) -> None: ...


class Board:
    """Reports events to the firmware, and asks it for data that only it has.

    Attributes:
        locked_s: How long NimBLE's host, before it asks for a secret, holds its own lock while it
            waits for MicroPython's.
        is_announced: Whether the firmware expects the link of an identity (bonds.address_key) to be
            secured, because it was told so before.
        locked_calls: Calls made while the host held its lock, which the firmware could know; on a
            chip they would never have returned (see stacks.py).
        unannounced_calls: Such calls of which the firmware could not know.
    """

    def __init__(self, bus: Bus) -> None:
        self.locked_s = 0.0
        self.is_announced: Callable[[bytes], bool] = lambda key: True
        self.locked_calls = self.unannounced_calls = 0
        self._lock: str | None = None
        self._locked_for: asyncio.Future[bytes] | None = None
        self._paused = asyncio.Event()
        self._bus = bus
        self._host = asyncio.Lock()
        self._waiting: deque[asyncio.Future[bytes]] = deque()

    def tell(self, event: Event, form: str, *values: int, data: bytes = b"") -> None:
        """Sends a frame: `values` packed as `form`, then `data`."""
        self._bus.send(RADIO, bytes([event]) + struct.pack("<" + form, *values) + data)

    async def ask(self, event: Event, form: str, *values: int, data: bytes = b"") -> bytes:
        """Sends a synchronous event and returns the answer."""
        return await self._ask(event, form, *values, data=data)

    def _ask(self, event: Event, form: str, *values: int, data: bytes) -> asyncio.Future[bytes]:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self.tell(event, form, *values, data=data)
        return answer

    def on_answer(self, data: bytes) -> None:
        """Takes the board's next answer."""
        if self._waiting:
            answer = self._waiting.popleft()
            if answer is self._locked_for:
                self._lock = None  # now, since frames sent right after the answer are next
            if not answer.done():  # the asking task may have ended with its connection
                answer.set_result(data)

    def on_pause(self) -> None:
        """The board's code pauses: the host has MicroPython's lock now."""
        self._paused.set()

    def forget(self) -> None:
        """Drops all pending questions; for a board that restarts."""
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
        """Passes on a written value, and returns when the firmware has handled it."""
        await self.ask(Event.GATTS_WRITE, "HH", connection.handle, handle, data=value)

    def check_call(self, op: int) -> None:
        """Counts a call of the firmware that needs the host's lock while the host holds it."""
        if op not in NEED_LOCK or self._lock is None:
            return
        if self._lock == "announced":
            log.warning("radio: call %d while the host is locked: NimBLE would hang here", op)
            self.locked_calls += 1
        else:
            self.unannounced_calls += 1

    async def _ask_locked(
        self, event: Event, form: str, *values: int, key: bytes, data: bytes
    ) -> bytes:
        async with self._host:
            # The host has one task, which reports events one by one and waits for each.
            self._paused.clear()
            is_asked = False
            try:
                await self.ask(Event.LOCK, "")
                self._lock = "announced" if self.is_announced(key) else "unannounced"
                if self.locked_s:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._paused.wait(), self.locked_s)
                self._locked_for, is_asked = self._ask(event, form, *values, data=data), True
                return await self._locked_for
            finally:
                self._lock = None
                if not is_asked:
                    self.tell(Event.UNLOCK, "")

    async def get_secret(self, kind: int, index: int, key: bytes | None) -> bytes | None:
        """Asks for a stored secret: that of `key`, or the `index`-th."""
        answer = await self._ask_locked(
            Event.GET_SECRET, "BB", kind, index, key=key or b"", data=key or b""
        )
        return answer[1:] if answer[0] else None

    async def set_secret(self, kind: int, key: bytes, value: bytes | None) -> bool:
        """Asks the firmware to store or delete a secret; returns whether it did."""
        answer = await self._ask_locked(
            Event.SET_SECRET, "BB", kind, len(key), key=key, data=key + (value or b"")
        )
        return bool(answer[0])
