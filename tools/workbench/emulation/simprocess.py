# SPDX-License-Identifier: Apache-2.0
"""Runs `glint sim` as a separate process, for the demo and the tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from workbench.emulation.emulator import EmulatorError

READY_TIMEOUT_S = 60.0  # on a slow machine; a cold image is built before
STOP_TIMEOUT_S = 10.0
LINES_KEPT = 50


class SimProcess:
    """A running simulator.

    Attributes:
        address: The HCI transport, as `--hci` takes it.
        console: The last lines that the glasses printed.
        errors: The last lines of the simulator's error output.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.address = ""
        self.console: deque[str] = deque(maxlen=LINES_KEPT)
        self._said: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._ended = False
        self.errors: deque[str] = deque(maxlen=LINES_KEPT)
        self._reading = asyncio.gather(self._read(), self._read_errors())

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                said = {"event": "console", "line": line.decode(errors="replace").rstrip()}
            if said["event"] == "console":
                self.console.append(said["line"])
            async with self._news:
                self._said.append(said)
                self._news.notify_all()
        async with self._news:
            self._ended = True
            self._news.notify_all()

    async def _read_errors(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.errors.append(line.decode(errors="replace").rstrip())

    async def check(self) -> None:
        """Checks that the simulator is running.

        Raises:
            EmulatorError: It has ended; the message holds its last words.
        """
        if self._ended:
            await asyncio.sleep(0)  # for the last of its error output
            words = [*list(self.console)[-1:], *list(self.errors)[-1:]]
            raise EmulatorError(f"the simulator ended: {'; '.join(words) or 'it said nothing'}")

    def mark(self) -> int:
        """Returns the current position in the output, from which `wait_for` can start."""
        return len(self._said)

    async def wait_for(
        self, event: str, *, since: int = 0, timeout_s: float = 10.0, **fields: Any
    ) -> dict[str, Any]:
        """Returns the first line after `since` that is `event` and has `fields`.

        Raises:
            EmulatorError: It was not printed in time, or the simulator ended.
        """
        wanted = {"event": event, **fields}
        try:
            async with asyncio.timeout(timeout_s), self._news:
                at = since
                while True:
                    for said in self._said[at:]:
                        if said.items() >= wanted.items():
                            return said
                    at = len(self._said)
                    await self.check()
                    await self._news.wait()
        except TimeoutError:
            raise EmulatorError(f"the simulator did not say {wanted} in {timeout_s:g} s") from None

    def said(self, event: str) -> list[dict[str, Any]]:
        """Returns all lines of one kind so far."""
        return [said for said in self._said if said["event"] == event]

    def do(self, command: str, **fields: Any) -> None:
        """Sends one command of the control stream."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": command, **fields}).encode() + b"\n")

    async def stop(self) -> None:
        """Ends the simulator by ending its control stream, and waits until it is gone."""
        assert self.process.stdin
        self.process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self._reading


@contextlib.asynccontextmanager
async def simulator(*arguments: str) -> AsyncIterator[SimProcess]:
    """Runs `glint sim --control` with `arguments`; yields when a companion may connect.

    Raises:
        EmulatorError: It did not come up; the message holds its last words.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "glint",
        "sim",
        "--control",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us; the end of its input tells it
    )
    running = SimProcess(process)
    try:
        ready = await running.wait_for("ready", timeout_s=READY_TIMEOUT_S)
        running.address = ready["hci"]
        yield running
    finally:
        await running.stop()
