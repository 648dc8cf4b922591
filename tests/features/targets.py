# SPDX-License-Identifier: Apache-2.0
"""The glasses that feature tests can run on, and the abilities of each.

An emulated target gives a connected companion, the board's peripherals and its HCI transport.
`serial:PORT` is a board on a serial port: its peripherals cannot be given any input, and it has
Bluetooth where this machine has an adapter.
"""

import asyncio
import contextlib
import functools
import os
import re
import shutil
import tempfile
from pathlib import Path

import glint
import pytest
from bleak import BleakScanner
from glint.adapter import errors_explained
from workbench.build import micropython
from workbench.device.serialboard import SerialBoard
from workbench.emulation import sound
from workbench.emulation.emulator import EmulatorError
from workbench.emulation.qemu import PROGRAM
from workbench.emulation.radio.stacks import DEFAULT
from workbench.emulation.simprocess import simulator

# peripherals: tests give it sound, pictures, battery and button. light: tests see its privacy
# light. console: tests see its output. range: it can be carried out of range. hci: its Bluetooth
# is emulated, at an HCI transport. bluetooth: companions reach it. serial: its prompt is on a port.
# The Bluetooth stack that emulated glasses behave like: the fixture `stack` chooses it.
stack = DEFAULT

ABILITIES = frozenset({"peripherals", "light", "console", "range", "hci", "bluetooth"})


class EmulatedLinux:
    """The linux board, through the simulator that `glint sim` is."""

    abilities = ABILITIES
    board = "linux"

    def __init__(self):
        self._cleanup = contextlib.AsyncExitStack()

    async def __aenter__(self):
        mirror = Path(__file__).parents[3] / "shared" / "models"
        arguments = ["--board", self.board, "--stack", stack]
        arguments += ["--word", "okay_nabu", "--word", "alexa"]
        if "GLINT_MIRROR" not in os.environ and mirror.is_dir():
            arguments += ["--mirror", str(mirror)]
        self.sim = await self._cleanup.enter_async_context(simulator(*arguments))
        self.folder = Path(
            self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="glint-test-"))
        )
        return self

    async def __aexit__(self, *exception):
        try:
            await self._check_calls()
        finally:
            await self._cleanup.aclose()

    async def _check_calls(self):
        """Checks that the firmware made no call of the stack that would never have returned."""
        mark = self.sim.mark()
        try:
            self.sim.do("counters")
            counters = await self.sim.wait_for("counters", since=mark, timeout_s=5)
        except (OSError, EmulatorError):
            return  # it has ended, as some tests have it do
        assert counters["locked_calls"] == 0, list(self.sim.errors)

    async def check(self):
        """Fails, with their last output, if the glasses have ended."""
        await self.sim.check()

    def connect(self):
        """A companion, as `async with`."""
        return glint.connect(hci=self.sim.address)

    async def play(self, samples, *, realtime=False):
        """Plays samples to the microphone, to their end; by default as fast as it listens."""
        path = self.folder / "heard.wav"
        sound.save(path, samples)
        mark = self.sim.mark()
        self.sim.do("mic", files=[str(path)], realtime=realtime)
        seconds = len(samples) / sound.SAMPLE_RATE_HZ
        await self.sim.wait_for("mic_done", since=mark, timeout_s=20 + 4 * seconds)


class EmulatedCorstone300(EmulatedLinux):
    """The Cortex-M55 in QEMU, through the same simulator."""

    board = "corstone300"


def emulated(board):
    """`board`, if it can be emulated here; else the test is skipped."""
    if board != "linux" and shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed")
    try:
        micropython.ensure(board)
    except micropython.BuildError as error:
        pytest.skip(str(error))
    return board


TARGETS = {"linux": EmulatedLinux, "corstone300": EmulatedCorstone300}
SERIAL = "serial:"


class OnSerialPort:
    """A board on a serial port, with the application on it where `glint deploy` put that."""

    def __init__(self, port):
        self.port = port

    @property
    def abilities(self):
        return {"serial"} if bluetooth_lacks() else {"serial", "bluetooth"}

    async def __aenter__(self):
        with self.at_prompt() as there:
            found = re.search(r'(?m)^name = "(\w+)"', there.run("print(open('board.py').read())"))
            self.board = found[1] if found else ""
            there.restart()
        return self

    async def __aexit__(self, *exception):
        pass

    def at_prompt(self):
        """The board, stopped at its prompt, as `with`."""
        return SerialBoard(self.port)

    async def check(self):
        """Checks nothing: nothing is known of the board while its application runs."""

    def connect(self):
        """A companion, as `async with`."""
        return glint.connect()


@functools.cache
def bluetooth_lacks():
    """Returns why no companion here can reach a real board, or ""."""

    async def listen():
        with errors_explained("scan", None):
            async with BleakScanner():
                pass

    try:
        asyncio.run(listen())
    except glint.GlintError as error:
        return str(error)
    return ""


def named(name):
    """The target of this name, not started; KeyError when there is none."""
    if name.startswith(SERIAL):
        return OnSerialPort(name.removeprefix(SERIAL))
    return TARGETS[name]()


def lacking(name, abilities):
    """Returns why a target cannot do what a test needs, or ""."""
    missing = set(abilities) - named(name).abilities
    if not missing:
        return ""
    why = f": {bluetooth_lacks()}" if missing == {"bluetooth"} else ""
    return f"glasses '{name}' lack {', '.join(sorted(missing))}{why}"
