# SPDX-License-Identifier: Apache-2.0
"""Emulated glasses under test, run by the simulator of `glint sim`."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import glint
from glint import backend

from workbench.emulation import sound
from workbench.emulation.emulator import EmulatorError
from workbench.emulation.simprocess import simulator
from workbench.testing import base, left

COUNT_TIMEOUT_S = 5.0
# How long the microphone may take, as a multiple of the sound's own length, and at least.
SLOWNESS = 4
PLAY_TIMEOUT_S = 20.0


class Emulated(base.Target):
    """Glasses of an emulated board.

    Attributes:
        sim: Their simulator.
        flash: Folder that represents their flash.
    """

    abilities = base.EMULATED_ABILITIES

    def __init__(self, board: str, *options: str) -> None:
        """`options` are further options of `glint sim`."""
        self.board = board
        self._options = options
        self._cleanup = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with self._cleanup as cleanup:
            folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="glint-test-"))
            self._folder = Path(folder)
            self.flash = self._folder / "flash"
            self.flash.mkdir()
            for files in base.settings.files:
                shutil.copytree(files, self.flash, dirs_exist_ok=True)
            arguments = ["--board", self.board, "--flash", str(self.flash)]
            arguments += ["--stack", base.settings.stack, *self._options]
            for word in base.settings.words:
                arguments += ["--word", word]
            if base.settings.report:
                self.left = left.place(base.settings.report, self.board)
                arguments += ["--capture", f"{self.left}{left.CAPTURE}"]
                cleanup.callback(self._leave_console)
            self.sim = await cleanup.enter_async_context(simulator(*arguments))
            # Glasses of an earlier run may have had the same address, but other bonds.
            bonds = backend.keystore(self.sim.address)
            bonds.unlink(missing_ok=True)
            cleanup.callback(bonds.unlink, missing_ok=True)
            self._cleanup = cleanup.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._check_calls()
        finally:
            await self._cleanup.aclose()

    async def _check_calls(self) -> None:
        """Checks that the firmware made no call to the stack that would never have returned."""
        mark = self.sim.mark()
        try:
            self.sim.do("counters")
            counted = await self.sim.wait_for("counters", since=mark, timeout_s=COUNT_TIMEOUT_S)
        except (OSError, EmulatorError):
            return  # it has ended, as some tests make it do
        assert counted["locked_calls"] == 0, list(self.sim.errors)

    def _leave_console(self) -> None:
        lines = [said["line"] + "\n" for said in self.sim.said("console")]
        Path(f"{self.left}{left.CONSOLE}").write_text("".join(lines))

    async def check(self) -> None:
        await self.sim.check()

    def connect(self) -> glint.Glasses:
        return glint.connect(hci=self.sim.address)

    async def do(self, command: str, **fields: Any) -> None:
        """Makes the simulator carry out one command of its control stream.

        Raises:
            EmulatorError: It failed, and gave a reason, or it has ended.
        """
        mark, errors = self.sim.mark(), len(self.sim.said("error"))
        self.sim.do(command, **fields)
        self.sim.do("counters")  # Commands are carried out in order.
        await self.sim.wait_for("counters", since=mark)
        for said in self.sim.said("error")[errors:]:
            raise EmulatorError(said["text"])

    async def play(self, samples: sound.Samples, *, realtime: bool = False) -> None:
        """Plays all samples to the microphone; by default as fast as the glasses listen."""
        path = self._folder / "heard.wav"
        sound.save(path, samples)
        mark = self.sim.mark()
        self.sim.do("mic", files=[str(path)], realtime=realtime)
        seconds = len(samples) / sound.SAMPLE_RATE_HZ
        timeout_s = PLAY_TIMEOUT_S + SLOWNESS * seconds
        await self.sim.wait_for("mic_done", since=mark, timeout_s=timeout_s)
