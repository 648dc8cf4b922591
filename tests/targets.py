# SPDX-License-Identifier: Apache-2.0
"""The glasses that feature tests can run on, and what each is able to do.

A target gives a connected companion, the board's senses, its console and its air. Later ones (an
emulated microcontroller, a real board on a serial port) go into TARGETS; tests stay as they are.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import glint
import pytest
from workbench import build, sound
from workbench.qemu import PROGRAM
from workbench.simprocess import simulator

# senses: sound, pictures, battery and button are played to it. light: its privacy light is seen.
# console: what it prints is seen. range: it can be carried out of range.
ABILITIES = frozenset({"senses", "light", "console", "range"})


class EmulatedLinux:
    """The linux board, through the simulator that `glint sim` is."""

    abilities = ABILITIES
    board = "linux"

    def __init__(self):
        self._cleanup = contextlib.AsyncExitStack()

    async def __aenter__(self):
        mirror = Path(__file__).parents[2] / "shared" / "models"
        arguments = ["--board", self.board, "--word", "okay_nabu", "--word", "alexa"]
        if "GLINT_MIRROR" not in os.environ and mirror.is_dir():
            arguments += ["--mirror", str(mirror)]
        self.sim = await self._cleanup.enter_async_context(simulator(*arguments))
        self.folder = Path(
            self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="glint-test-"))
        )
        return self

    async def __aexit__(self, *exception):
        await self._cleanup.aclose()

    async def check(self):
        """Fails with the last words of glasses that have ended."""
        await self.sim.check()

    def connect(self):
        """A companion, as `async with`."""
        return glint.connect(air=self.sim.address)

    async def play(self, samples, *, realtime=False):
        """Lets the microphone hear samples, to their end; as fast as it listens by default."""
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
        build.ensure(board)
    except build.BuildError as error:
        pytest.skip(str(error))
    return board


TARGETS = {"linux": EmulatedLinux, "corstone300": EmulatedCorstone300}
