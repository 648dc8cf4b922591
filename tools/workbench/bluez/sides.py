# SPDX-License-Identifier: Apache-2.0
"""The two companions to compare, on BlueZ and on the emulated backend, and their glasses."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
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


class Program(Protocol):
    """A program that runs on one side and prints JSON lines."""

    async def lines(self) -> list[dict[str, Any]]:
        """Returns the objects that it has printed so far."""

    async def wait(self) -> Done:
        """Waits until it has ended."""

    async def end(self, signal: str) -> Done:
        """Sends it a signal and waits until it has ended."""


class Side(Protocol):
    """A machine with a companion on it.

    Attributes:
        name: What the report calls it.
        folder: Where it finds files that both sides are given.
        probe: Where it finds probe.py.
    """

    name: str
    folder: str
    probe: str

    async def start(self, *arguments: str) -> Program:
        """Starts Python with these arguments."""

    async def forget(self) -> None:
        """Deletes the machine's bonds."""


async def glint(side: Side, *arguments: str) -> Done:
    """Runs the companion's command line to its end."""
    return await (await side.start("-m", "glint", *arguments)).wait()


def _objects(text: str) -> list[dict[str, Any]]:
    """Parses the complete lines; the last one may still be incomplete."""
    return [json.loads(line) for line in text.split("\n")[:-1] if line.startswith("{")]


class BlueZ:
    """The companion on BlueZ, in the guest."""

    name = "BlueZ"
    folder = MOUNTED
    probe = "/inside/probe.py"

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._numbers = itertools.count(1)

    async def start(self, *arguments: str) -> Program:
        return _GuestProgram(self._guest, next(self._numbers), arguments)

    async def forget(self) -> None:
        devices = await self._guest.run("bluetoothctl devices")
        for line in devices.out.splitlines():
            if line.startswith("Device "):
                await self._guest.run(f"bluetoothctl remove {line.split()[1]}")


class _GuestProgram:
    def __init__(self, guest: Guest, number: int, arguments: tuple[str, ...]) -> None:
        self._guest = guest
        self._at = f"/run/program{number}"
        self._running = asyncio.create_task(guest.python(list(arguments), self._at))

    async def lines(self) -> list[dict[str, Any]]:
        return _objects(await self._guest.read(f"{self._at}.out"))

    async def wait(self) -> Done:
        return await self._running

    async def end(self, signal: str) -> Done:
        await self._guest.run(f"kill -{signal} $(cat {self._at}.pid)")
        return await self._running


class Emulated:
    """The companion on the emulated backend, here.

    Args:
        hci: Address of the radio.
        folder: Where it finds files that both sides are given.
        name: What the report calls it, and where it keeps its bonds.
    """

    probe = str(Path(__file__).with_name("probe.py"))

    def __init__(self, hci: str, folder: Path, name: str = "emulated") -> None:
        self.name = name
        self.folder = str(folder)
        self._hci = hci
        self._state = folder / name

    async def start(self, *arguments: str) -> Program:
        began_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"GLINT_HCI": self._hci, "XDG_STATE_HOME": str(self._state)},
        )
        return _Process(process, began_s)

    async def forget(self) -> None:
        shutil.rmtree(self._state, ignore_errors=True)


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, began_s: float) -> None:
        self._process = process
        self._began_s = began_s
        self._out = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            self._out += line.decode()

    async def lines(self) -> list[dict[str, Any]]:
        return _objects(self._out)

    async def wait(self) -> Done:
        await self._process.wait()
        await self._reading
        return Done(self._process.returncode or 0, self._out, time.monotonic() - self._began_s)

    async def end(self, signal: str) -> Done:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            self._process.send_signal({"KILL": 9, "TERM": 15, "HUP": 1}[signal])
        return await self.wait()


class Glasses:
    """Emulated glasses that keep their flash while they are killed and started again."""

    def __init__(self, hci: str, flash: Path) -> None:
        self._hci = hci
        self.flash = flash
        self._stack = contextlib.AsyncExitStack()
        self.sim: SimProcess

    async def start(self) -> None:
        """Switches the glasses on."""
        arguments = ["--hci", self._hci, "--flash", str(self.flash), "--name", NAME]
        self.sim = await self._stack.enter_async_context(simulator(*arguments))
        room = self.flash / "room.wav"
        sound.save(room, sound.noise(sim.QUIET_S, sim.QUIET_RMS))
        self.sim.do("mic", files=[str(room)], loop=True)

    async def kill(self) -> None:
        """Cuts the glasses' power."""
        os.killpg(self.sim.process.pid, 9)
        await self._stack.aclose()

    async def stop(self) -> None:
        """Switches the glasses off."""
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
        try:
            await asyncio.sleep(HOLD_S)
        finally:
            self.sim.do("button", pressed=False)

    def forget(self) -> None:
        """Deletes the glasses' bonds; they must be switched off."""
        (self.flash / "bonds.json").unlink()
