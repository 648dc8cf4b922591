# SPDX-License-Identifier: Apache-2.0
"""Two companions to compare, BlueZ's and the emulated backend's, and the glasses they meet."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Protocol

from workbench.bluez.guest import Done, Guest
from workbench.emulation import sim, sound
from workbench.emulation.simprocess import SimProcess, simulator

NAME = "Glint"
HOLD_S = 2.5
POLL_S = 0.5
MOUNTED = "/files"
LISTEN = "listen --json --timeout 120"  # emulated glasses take a while to start


class Listener(Protocol):
    """A companion that listens, in a process of its own."""

    async def lines(self) -> list[dict[str, Any]]:
        """The events that it has printed."""

    async def end(self, signal: str) -> Done:
        """Sends it a signal and waits until it has ended."""


class Side(Protocol):
    """A machine with a companion on it.

    Attributes:
        name: What the report calls it.
        folder: Where it finds files that both sides are given.
    """

    name: str
    folder: str

    async def glint(self, *arguments: str) -> Done:
        """Runs the command line."""

    async def listen(self) -> Listener:
        """Starts `glint listen`."""

    async def forget(self) -> None:
        """Has the machine forget its bonds."""


def _events(text: str) -> list[dict[str, Any]]:
    """The whole lines; the last one may be on its way."""
    return [json.loads(line) for line in text.split("\n")[:-1] if line.startswith("{")]


class BlueZ:
    """The companion on BlueZ, in the guest."""

    name = "BlueZ"
    folder = MOUNTED

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    async def glint(self, *arguments: str) -> Done:
        return await self._guest.glint(*arguments)

    async def listen(self) -> Listener:
        return await _GuestListener(self._guest).start()

    async def forget(self) -> None:
        devices = await self._guest.run("bluetoothctl devices")
        for line in devices.out.splitlines():
            if line.startswith("Device "):
                await self._guest.run(f"bluetoothctl remove {line.split()[1]}")


class _GuestListener:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    async def start(self) -> _GuestListener:
        command = (
            f"rm -f /run/out /run/pid; python3 -m glint {LISTEN} >/run/out 2>/run/err & "
            "echo $! >/run/pid; wait $!; rc=$?; cat /run/err; exit $rc"
        )
        self._running = asyncio.create_task(self._guest.run(command, timeout_s=600))
        return self

    async def lines(self) -> list[dict[str, Any]]:
        return _events((await self._guest.run("cat /run/out 2>/dev/null")).out)

    async def end(self, signal: str) -> Done:
        await self._guest.run(f"kill -{signal} $(cat /run/pid)")
        return await self._running


class Emulated:
    """The companion on the emulated backend, here."""

    name = "emulated"

    def __init__(self, hci: str, folder: Path) -> None:
        self.folder = str(folder)
        self._hci = hci
        self._state = folder / "state"

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "glint", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"GLINT_HCI": self._hci, "XDG_STATE_HOME": str(self._state)},
        )

    async def glint(self, *arguments: str) -> Done:
        began_s = time.monotonic()
        process = await self._start(*arguments)
        out, _ = await process.communicate()
        return Done(process.returncode or 0, out.decode(), time.monotonic() - began_s)

    async def listen(self) -> Listener:
        return _ProcessListener(await self._start(*LISTEN.split()))

    async def forget(self) -> None:
        shutil.rmtree(self._state, ignore_errors=True)


class _ProcessListener:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._out = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            self._out += line.decode()

    async def lines(self) -> list[dict[str, Any]]:
        return _events(self._out)

    async def end(self, signal: str) -> Done:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            self._process.send_signal({"KILL": 9, "TERM": 15, "HUP": 1}[signal])
        await self._process.wait()
        await self._reading
        return Done(self._process.returncode or 0, self._out, 0.0)


class Glasses:
    """Emulated glasses that keep their flash while they are killed and started again."""

    def __init__(self, hci: str, flash: Path) -> None:
        self._hci = hci
        self.flash = flash
        self._stack = contextlib.AsyncExitStack()
        self.sim: SimProcess

    async def start(self) -> None:
        """Switches them on."""
        arguments = ["--hci", self._hci, "--flash", str(self.flash), "--name", NAME]
        self.sim = await self._stack.enter_async_context(simulator(*arguments))
        room = self.flash / "room.wav"
        sound.save(room, sound.noise(sim.QUIET_S, sim.QUIET_RMS))
        self.sim.do("mic", files=[str(room)], loop=True)

    async def kill(self) -> None:
        """Takes their power away."""
        os.killpg(self.sim.process.pid, 9)
        await self._stack.aclose()

    async def stop(self) -> None:
        """Switches them off."""
        await self._stack.aclose()

    async def press(self, count: int = 1) -> None:
        """Presses the button for a moment."""
        for _ in range(count):
            self.sim.do("button", pressed=True)
            await asyncio.sleep(0.1)
            self.sim.do("button", pressed=False)
            await asyncio.sleep(0.1)

    async def let_pair(self) -> None:
        """Holds the button until the pairing window opens."""
        self.sim.do("button", pressed=True)
        await asyncio.sleep(HOLD_S)
        self.sim.do("button", pressed=False)

    def forget(self) -> None:
        """Loses the bonds; they have to be off."""
        (self.flash / "bonds.json").unlink()
