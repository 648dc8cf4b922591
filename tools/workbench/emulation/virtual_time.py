# SPDX-License-Identifier: Apache-2.0
"""Virtual time for link measurements: a clock that advances only while every party waits.

So the load of the machine cannot disturb a measurement. The loop jumps to its next timer when there
is nothing to read and the firmware waits too. It measures the protocol over the simulated medium;
computing, on either side, takes no time.
"""

from __future__ import annotations

import asyncio
import selectors
import struct
from collections.abc import Callable
from typing import Any

from workbench.emulation.bus import Bus
from workbench.emulation.emulator import EmulatorError, Linux
from workbench.paths import BOARDS

CLOCK = 7  # its channel on the simulation bus
# Computing takes no time on this clock, but it must not go on for ever.
BUSY_TIMEOUT_S = 30.0


class _Selector(selectors.DefaultSelector):
    """A selector that advances the clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.is_busy: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.is_busy():
            ready = super().select(BUSY_TIMEOUT_S)
            if not ready:
                raise EmulatorError(f"the firmware computes for more than {BUSY_TIMEOUT_S:g} s")
            return ready
        if timeout is None:
            return super().select(None)
        self.now_s += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while either side computes."""

    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.now_s

    def wait_for(self, is_busy: Callable[[], bool]) -> None:
        """Makes time stand still also while this function says so."""
        self._passing.is_busy = is_busy


class _Bus(Bus):
    """A simulation bus that carries the clock, and knows whether the board waits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        self._loop = loop
        self._sent = 0
        self._told_ms = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self._busy = True
        self.on(CLOCK, self._on_idle)
        self._loop.wait_for(lambda: self._busy)

    def send(self, channel: int, data: bytes) -> None:
        if round(self._loop.time() * 1000) != self._told_ms:
            self._tell_time()
        self._send(channel, data)

    def _send(self, channel: int, data: bytes) -> None:
        self._busy = not self._ended
        self._sent = (self._sent + 1) & 0xFFFFFFFF
        super().send(channel, data)

    def _tell_time(self) -> None:
        self._told_ms = round(self._loop.time() * 1000)
        self._send(CLOCK, struct.pack("<I", self._told_ms))

    def _on_idle(self, payload: bytes) -> None:
        received, left_ms = struct.unpack("<Ii", payload)
        if received != self._sent:
            return  # it has not yet read what is in flight
        self._busy = False
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if left_ms >= 0:
            # The board's clock has whole milliseconds, so wake it only once that shows the time.
            self._timer = self._loop.call_at((self._told_ms + left_ms) / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._tell_time()

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            self._ended = True
            self._busy = False


class VirtualTimeLinux(Linux):
    """The linux board on the clock of a `VirtualTimeLoop`."""

    folder = BOARDS / "simulation" / "virtual_time"
    make_bus = _Bus

    async def stop(self) -> None:
        loop, process = asyncio.get_running_loop(), self._process
        if process is not None:
            assert isinstance(loop, VirtualTimeLoop)
            # Waiting for its end uses the machine's clock.
            loop.wait_for(lambda: process.returncode is None)
        await super().stop()
