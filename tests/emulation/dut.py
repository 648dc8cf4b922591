# SPDX-License-Identifier: Apache-2.0
"""Starts MicroPython's linux board with an emulated radio, and runs what a test tells it to."""

from __future__ import annotations

import ast
import asyncio
import os
import socket
from pathlib import Path
from typing import Any

from workbench.emulation.bus import Bus
from workbench.emulation.radio.radio import Radio
from workbench.emulation.radio.stacks import DEFAULT
from workbench.paths import BOARDS, BUILD

PROGRAM = BUILD / "linux" / "micropython"
COMMANDS = 7
TIMEOUT_S = 10.0
SERVICE = "326f00f0-3c3b-4423-a411-52f6691438bd"


class Dut:
    """The process, its bus and its radio."""

    def __init__(self, process: asyncio.subprocess.Process, bus: Bus, radio: Radio) -> None:
        self.radio = radio
        self._process = process
        self._bus = bus
        self._replies: asyncio.Queue[str] = asyncio.Queue()
        bus.on(COMMANDS, lambda payload: self._replies.put_nowait(payload.decode()))
        self._reading = asyncio.create_task(bus.run())
        self._reading.add_done_callback(lambda _: self._replies.put_nowait("the board has gone"))

    @classmethod
    async def start(cls, hci: str, stack: str = DEFAULT) -> Dut:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.setblocking(False)
            path = f"{BOARDS / 'simulation'}:{BOARDS / 'linux'}:.frozen"
            process = await asyncio.create_subprocess_exec(
                str(PROGRAM),
                str(Path(__file__).with_name("dut_main.py")),
                env={**os.environ, "MICROPYPATH": path, "GLINT_BUS_FD": str(theirs.fileno())},
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
            )
        bus = Bus(*await asyncio.open_connection(sock=ours))
        dut = cls(process, bus, Radio(bus, hci, stack=stack))
        await dut.radio.start()
        assert await dut._reply() == "ready"
        return dut

    async def _reply(self) -> str:
        return await asyncio.wait_for(self._replies.get(), TIMEOUT_S)

    async def run(self, source: str) -> str:
        """Runs an expression or statements there; returns the result's repr, or the error."""
        self._bus.send(COMMANDS, source.encode())
        return await self._reply()

    async def value(self, source: str) -> Any:
        """Returns the value of an expression whose repr is a literal."""
        text = await self.run(source)
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise AssertionError(f"{source}: {text}") from None

    async def events(self, *wanted: int) -> list[tuple[Any, ...]]:
        """Returns the IRQs so far with these numbers, as (number, *data)."""
        seen = await self.value("[(e,) + d for e, d in events]")
        return [event for event in seen if event[0] in wanted or not wanted]

    async def until(self, condition: str) -> None:
        """Waits until an expression is true in the firmware."""
        assert await self.run(f"wait_until(lambda: {condition})") == "True", condition

    async def stop(self) -> None:
        """Ends it, and checks that no call was made while the host was known to be locked."""
        await self.radio.close()
        await self._bus.close()
        await self._reading
        if self._process.returncode is None:
            try:
                await asyncio.wait_for(self._process.wait(), 3)
            except TimeoutError:
                self._process.kill()
        await self._process.wait()
        assert self.radio.board.locked_calls == 0
