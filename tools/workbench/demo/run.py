# SPDX-License-Identifier: Apache-2.0
"""`glint demo`: emulated glasses hear a wake word, and the companion shows what it receives."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import glint
from glint import speech
from glint.events import Event, Seen, Wake

from workbench.build import micropython
from workbench.demo.view import View
from workbench.emulation import sound
from workbench.emulation.pictures import load_folder
from workbench.emulation.simprocess import SimProcess, simulator
from workbench.errors import WorkbenchError

PHRASE = "okay nabu"
COMMAND = "take a photo"
CONNECT_TIMEOUT_S = 20.0
WATCH_RATE_HZ = 5.0
# Time after the last sound in which late results may still arrive on a slow machine.
PATIENCE_S = 20.0


class DemoError(WorkbenchError):
    """The demo did not show what it should; the message says what was missing."""


@dataclass(frozen=True)
class Scene:
    """What the microphone will hear.

    Attributes:
        samples: 16 kHz mono.
        word_end_s: When the wake word has been said, from the first sample.
    """

    samples: sound.Samples
    word_end_s: float

    @property
    def seconds(self) -> float:
        """How long the scene lasts."""
        return len(self.samples) / sound.SAMPLE_RATE_HZ


def compose() -> Scene:
    """Composes speech without the wake word, the wake word and a command, in a room's noise."""
    before = [
        sound.silence(0.5),
        sound.speech("the weather is nice today", "en"),
        sound.silence(0.8),
        sound.speech(PHRASE),
    ]
    after = [sound.silence(0.3), sound.speech(COMMAND), sound.silence(2.5)]
    word_end = sum(map(len, before))
    length = word_end + sum(map(len, after))
    room = sound.noise(length / sound.SAMPLE_RATE_HZ, rms=60)
    said = sound.join(*before, *after)
    return Scene(sound.mix(said, room), word_end / sound.SAMPLE_RATE_HZ)


@dataclass
class Findings:
    """What the companion has received so far; the demo is over when nothing is missing.

    Attributes:
        own_scenes: The camera sees the demo's own pictures, of which one shows a person.
    """

    own_scenes: bool
    changed: Seen | None = None
    wake: Wake | None = None
    latency_s: float | None = None
    audio: Path | None = None
    command: str | None = None
    photo: Path | None = None
    seen: Seen | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def missing(self) -> list[str]:
        """Names what has not arrived yet."""
        found = {
            "no person came into view": self.changed or not self.own_scenes,
            "the wake word was not heard": self.wake,
            "the sound after it did not arrive": self.audio,
            "the command in it was not understood": self.command,
            "no photo arrived": self.photo,
            "vision said nothing": self.seen,
        }
        return [name for name, value in found.items() if not value]


class Demo:
    """One run, against a simulator that is ready."""

    def __init__(self, sim: SimProcess, view: View, output: Path, own_scenes: bool) -> None:
        self._sim = sim
        self._view = view
        self._output = output
        self._found = Findings(own_scenes)
        self._word_ended_s = 0.0
        self._ears: asyncio.Task[speech.Recognizer] | None = None
        self._news = asyncio.Event()

    async def run(self, scene: Scene) -> None:
        """Connects, plays the scene to the glasses, and collects what arrives.

        Raises:
            DemoError: Something did not arrive; GlintError: the link failed.
        """
        # This takes a second; there is time for it before the wake word.
        self._ears = asyncio.create_task(asyncio.to_thread(speech.recognizer))
        wav = self._output / "microphone.wav"
        sound.save(wav, scene.samples)
        self._view.step("scanning")
        async with glint.connect(hci=self._sim.address, timeout_s=CONNECT_TIMEOUT_S) as glasses:
            info = await glasses.info()
            what = f"{info.model} board, firmware {info.firmware}"
            self._view.step(f"connected to {info.name} at {info.address}: {what}")
            listening = asyncio.create_task(self._listen(glasses))
            self._found.tasks.append(asyncio.create_task(self._watch(glasses)))
            try:
                self._sim.do("battery", percent=87, mv=4020)
                self._sim.do("mic", files=[str(wav)])
                started = await self._sim.wait_for("mic_started")
                self._word_ended_s = started["monotonic_s"] + scene.word_end_s
                self._view.step(f"the microphone hears {scene.seconds:.1f} s of speech and noise")
                await self._wait(listening, scene.seconds + PATIENCE_S)
                self._view.summary(await self._summary(glasses))
            finally:
                for task in (listening, *self._found.tasks):
                    task.cancel()
                await asyncio.gather(listening, *self._found.tasks, return_exceptions=True)
        if missing := self._found.missing():
            raise DemoError(f"{'; '.join(missing)}. {self._last_words()}")

    def _last_words(self) -> str:
        said = self._sim.console[-1] if self._sim.console else "nothing"
        return f"The glasses' console said last: {said}"

    async def _wait(self, listening: asyncio.Task[None], timeout_s: float) -> None:
        """Waits until nothing is missing any more, or the time is up."""
        end = time.monotonic() + timeout_s
        while self._found.missing() and time.monotonic() < end:
            self._news.clear()
            news = asyncio.create_task(self._news.wait())
            await asyncio.wait(
                {news, listening},
                timeout=end - time.monotonic(),
                return_when=asyncio.FIRST_COMPLETED,
            )
            news.cancel()
            if listening.done():
                listening.result()
                return

    async def _watch(self, glasses: glint.Glasses) -> None:
        """Has the glasses look by themselves until they tell that somebody came into view."""
        try:
            async with contextlib.aclosing(glasses.watch(WATCH_RATE_HZ)) as changes:
                before = await anext(changes)
                self._sim.do("picture")
                self._found.changed = await anext(changes)
        except glint.GlintError as error:
            self._view.step(f"no watching: {error}")
            return
        labels = f"{before.label} before, {self._found.changed.label} now"
        self._view.step(f"the glasses watched, and told a change: {labels}")
        self._news.set()

    async def _listen(self, glasses: glint.Glasses) -> None:
        async for event in glasses.events():
            arrived_s = time.monotonic()
            self._view.event(event)
            await self._answer(glasses, event, arrived_s)
            self._news.set()

    async def _answer(self, glasses: glint.Glasses, event: Event, arrived_s: float) -> None:
        found = self._found
        if isinstance(event, Wake) and found.wake is None:
            found.wake, found.latency_s = event, arrived_s - self._word_ended_s
            found.tasks.append(asyncio.create_task(self._obey(glasses, event)))
        elif isinstance(event, Seen) and event.media:
            found.seen = event

    async def _take_photo(self, glasses: glint.Glasses) -> None:
        try:
            photo = await glasses.photo()
        except glint.GlintError as error:
            self._view.step(f"no photo: {error}")
            return
        path = self._output / "photo.jpg"
        photo.save(path)
        self._found.photo = path
        self._view.saved(path, f"{photo.width}x{photo.height}, {len(photo.data)} bytes")
        self._news.set()

    async def _obey(self, glasses: glint.Glasses, wake: Wake) -> None:
        audio = await self._save_audio(glasses, wake)
        assert self._ears
        if audio is None:
            return
        try:
            self._found.command = await speech.command(audio, await self._ears)
        except glint.GlintError as error:
            self._view.step(f"no command: {error}")
            return
        self._view.step(f"the command after it: {self._found.command or 'none'}")
        if self._found.command == "photo":
            await self._take_photo(glasses)
        self._news.set()

    async def _save_audio(self, glasses: glint.Glasses, wake: Wake) -> glint.Audio | None:
        try:
            audio = await glasses.audio(wake)
        except glint.GlintError as error:
            self._view.step(f"no sound: {error}")
            return None
        path = self._output / "wake.wav"
        audio.save(path)
        self._found.audio = path
        seconds = len(audio.pcm) / 2 / audio.rate_hz
        self._view.saved(path, f"{seconds:.1f} s, {audio.preroll_ms} ms of it before detection")
        self._news.set()
        return audio

    async def _summary(self, glasses: glint.Glasses) -> dict[str, Any]:
        status = await glasses.status()
        found = self._found
        return {
            "board": status.board,
            "word": found.wake and found.wake.word,
            "probability": found.wake and round(found.wake.probability, 3),
            "command": found.command,
            "seen": found.seen and found.seen.label,
            "changed": found.changed and found.changed.label,
            "latency_ms": None if found.latency_s is None else round(found.latency_s * 1000),
            "realtime_factor": status.busy_us / (status.hops * 10_000) if status.hops else None,
            "slow_hops": status.slow_hops,
            "notifications": status.notified,
            "notified_bytes": status.notified_bytes,
            "arena_bytes": status.arena,
            "heap_used_bytes": status.heap_used,
            "heap_free_bytes": status.heap_free,
            "battery_percent": status.battery_percent,
        }


async def run(
    board: str, view: View, *, camera: Path | None, mirror: Path | None, output: Path
) -> None:
    """Builds the board, starts the simulator and runs the demo against it.

    Raises:
        GlintError: It did not work, with the reason.
    """
    micropython.check_glasses(board)
    if camera:
        load_folder(camera)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"nothing can be saved in {output}: {error.strerror}") from None
    view.step(f"building the {board} board's image")
    micropython.ensure(board)
    view.step("composing what the glasses will hear")
    scene = compose()
    arguments = ["--board", board]
    if camera:
        arguments += ["--camera", str(camera)]
    if mirror:
        arguments += ["--mirror", str(mirror)]
    view.step("starting the glasses and their radio")
    async with simulator(*arguments) as sim:
        for said in sim.said("note"):
            view.step(said["text"])
        await Demo(sim, view, output, own_scenes=camera is None).run(scene)
