# SPDX-License-Identifier: Apache-2.0
"""The parts of glasses under test that fixtures give to tests."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import glint
import pytest
from glint.smp_manage import JournalRead
from PIL import Image

from workbench.emulation import sound
from workbench.testing import person
from workbench.testing.base import Target
from workbench.testing.emulated import Emulated

PATIENCE_S = 60.0
POLL_S = 0.1
PRESS_S = 0.2
# Roughly the voltages of an empty and a full lithium cell.
EMPTY_MV, FULL_MV = 3300, 4200
# The silence that `Senses.say` puts around each phrase.
PAUSE_S = 1.5
ROOM_RMS = 40


def _emulated(target: Target) -> Emulated:
    """Returns the target if it is emulated, else skips the test."""
    if not isinstance(target, Emulated):
        pytest.skip("neither a program nor a person can do this to real glasses")
    return target


class Board:
    """The board of the glasses. A person is asked for what no program can do to real ones.

    Attributes:
        name: The board's name.
    """

    def __init__(self, target: Target, glasses: glint.Glasses) -> None:
        self.name = target.board
        self._target = target
        self._glasses = glasses
        self._held = False

    @property
    def flash(self) -> Path:
        """The folder that represents the flash of emulated glasses."""
        return _emulated(self._target).flash

    async def reset(self) -> None:
        """Restarts the glasses, and waits until the companion is connected again."""
        before = await self._boot()
        await self._glasses.reset()
        await self._restarted(before)

    async def power_cut(self) -> None:
        """Cuts and restores the power; waits until the companion is connected again."""
        before = await self._boot()
        if isinstance(self._target, Emulated):
            await self._target.do("power")
        else:
            await person.ask("Cut the power of the glasses and give it back.")
        await self._restarted(before)

    async def _boot(self) -> int:
        return int((await self._glasses.request(JournalRead())).boot)

    async def _restarted(self, before: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(glint.GlintError):  # the link drops meanwhile
                    if await self._boot() != before:
                        return
                await asyncio.sleep(POLL_S)

    async def press(self, seconds: float = PRESS_S) -> None:
        """Presses the button for this long."""
        if not isinstance(self._target, Emulated):
            await person.ask(f"Press the button of the glasses for {seconds:g} s.")
            return
        self._held = True
        await self._target.do("button", pressed=True)
        await asyncio.sleep(seconds)
        await self._target.do("button", pressed=False)
        self._held = False

    async def battery(self, percent: int, millivolts: int | None = None) -> None:
        """Sets the battery's charge, and its voltage: by default one that matches."""
        if millivolts is None:
            millivolts = EMPTY_MV + (FULL_MV - EMPTY_MV) * percent // 100
        await _emulated(self._target).do("battery", percent=percent, mv=millivolts)

    async def restore(self) -> None:
        """Releases the button."""
        if self._held:
            await _emulated(self._target).do("button", pressed=False)


class Senses:
    """What the glasses hear and see; with real ones, a person plays, speaks and shows it."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder

    async def play(self, heard: Path | str | sound.Samples, *, realtime: bool = False) -> None:
        """Plays a whole sound to the microphone.

        Args:
            heard: A sound file, or samples (int16, 16 kHz, one channel).
            realtime: Whether to play in real time; else as fast as the glasses listen.

        Raises:
            SoundError: There is no such file, or it is not a sound.
        """
        samples = sound.load(Path(heard)) if isinstance(heard, str | Path) else heard
        if isinstance(self._target, Emulated):
            await self._target.play(samples, realtime=realtime)
            return
        path = self._folder / "heard.wav"
        sound.save(path, samples)
        await person.ask(f"Play the sound {path} to the glasses.")

    async def say(self, *phrases: str, realtime: bool = False) -> None:
        """Plays phrases in a synthetic voice, in a quiet room."""
        if not isinstance(self._target, Emulated):
            await person.ask(f"Say to the glasses: {', '.join(phrases)}.")
            return
        parts = [sound.silence(PAUSE_S)]
        for phrase in phrases:
            parts += [sound.speech(phrase), sound.silence(PAUSE_S)]
        said = sound.join(*parts)
        room = sound.noise(len(said) / sound.SAMPLE_RATE_HZ, ROOM_RMS)
        await self.play(sound.mix(said, room), realtime=realtime)

    async def silence(self, seconds: float, *, realtime: bool = False) -> None:
        """Plays silence."""
        await self.play(sound.silence(seconds), realtime=realtime)

    async def show(self, picture: Path | str | Image.Image) -> None:
        """Shows the camera a picture, or the pictures of a folder, one for each photo.

        Raises:
            EmulatorError: It is not a picture.
        """
        if isinstance(picture, str | Path) and Path(picture).is_dir():
            await self._show(Path(picture))
            return
        scene = self._folder / "scene"
        shutil.rmtree(scene, ignore_errors=True)
        scene.mkdir()
        if isinstance(picture, Image.Image):
            picture.save(scene / "scene.png")
        else:
            shutil.copy(picture, scene)
        await self._show(scene)

    async def _show(self, folder: Path) -> None:
        if isinstance(self._target, Emulated):
            await self._target.do("camera", folder=str(folder))
        else:
            await person.ask(f"Show the glasses what is in {folder}, and keep it there.")

    async def hush(self) -> None:
        """Ends the sound that is playing."""
        if isinstance(self._target, Emulated):
            await self._target.do("hush")


class Radio:
    """The radio between the glasses and all companions."""

    def __init__(self, target: Emulated) -> None:
        self._target = target
        self._away = False

    @contextlib.asynccontextmanager
    async def out_of_range(self) -> AsyncIterator[None]:
        """Carries the glasses out of range while the block runs."""
        self._away = True
        await self._target.do("range", **{"in": False})
        try:
            yield
        finally:
            await self._target.do("range", **{"in": True})
            self._away = False

    async def timing(self, **timing: float) -> None:
        """Sets fields of `workbench.emulation.medium.Timing` until the test ends.

        Packets are lost with `packet_error_rate`, and sent again at the next `interval_ms`.

        Raises:
            EmulatorError: Timing refuses the values.
        """
        await self._target.do("link", **timing)

    async def disconnect(self) -> None:
        """Drops every link as if it had been lost; companions reconnect."""
        await self._target.do("drop")

    async def restore(self) -> None:
        """Restores the radio's original state."""
        if self._away:
            await self._target.do("range", **{"in": True})
        await self._target.do("link")


class Console:
    """What the glasses print."""

    def __init__(self, target: Emulated) -> None:
        self._sim = target.sim
        self._begin = len(self._sim.said("console"))

    @property
    def lines(self) -> list[str]:
        """The lines since the test began."""
        return [said["line"] for said in self._sim.said("console")[self._begin :]]

    async def wait_for(self, text: str, timeout_s: float = 10.0) -> str:
        """Returns the first line since the test began that contains a text.

        Raises:
            TimeoutError: There was no such line in time.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                for line in self.lines:
                    if text in line:
                        return line
                await self._sim.check()
                await asyncio.sleep(POLL_S)


class Clock:
    """The glasses' own clock, which may be slower than the tests' on a busy machine."""

    def __init__(self, glasses: glint.Glasses) -> None:
        self._glasses = glasses

    async def uptime_ms(self) -> int:
        """Asks how long the glasses have been running."""
        return int((await self._glasses.status()).uptime_ms)

    async def wait(self, seconds: float) -> None:
        """Waits until this much time has passed for the glasses."""
        until_ms = await self.uptime_ms() + 1000 * seconds
        while await self.uptime_ms() < until_ms:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
