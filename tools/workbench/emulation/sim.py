# SPDX-License-Identifier: Apache-2.0
"""`glint sim`: runs emulated glasses with a simulated radio, controlled by JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bumble import core
from bumble.snoop import Snooper
from bumble.transport import open_transport

from workbench.build import micropython, romfs, zoo
from workbench.emulation import keys, sound
from workbench.emulation.bus import Bus, Peripherals
from workbench.emulation.capture import captured
from workbench.emulation.emulator import FAULTS, EmulatorError, emulated
from workbench.emulation.medium import Medium, Timing, serve
from workbench.emulation.microcontroller import STATUS_RESET
from workbench.emulation.pictures import PictureError, draw_scenes, load_folder
from workbench.emulation.radio.radio import Radio
from workbench.emulation.saying import Say, say_json

READY_TIMEOUT_S = 15.0
READY_POLL_S = 0.02
ANY_ADDRESS = "tcp-client:127.0.0.1:0"
RESETS = {STATUS_RESET, *(-fault for fault in FAULTS)}

# The noise of a quiet room: length in seconds, and level in int16 steps.
QUIET_S = 5.0
QUIET_RMS = 20.0

# Lines that MicroPython's prompt prints, which never are the reason of a failure.
PROMPT = re.compile(r"MicroPython v|Type \"help|>>>|MPY: ")


def prepare_flash(flash: Path, config: dict[str, Any], mirror: Path | None, say: Say) -> None:
    """Puts models and configuration where the board expects them.

    Raises:
        zoo.ZooError: A wake word model cannot be obtained. (A vision model is optional.)
    """
    models = flash / romfs.FOLDER / "models"
    models.mkdir(parents=True, exist_ok=True)
    for word in config["words"]:
        zoo.place(word, models, mirror)
    try:
        zoo.place(config["vision"], models, mirror)
    except zoo.ZooError as error:
        say("note", text=f"{error}; the glasses go on with motion and brightness")
    (flash / "config.json").write_text(json.dumps(config))


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancels a task and waits until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def _kept(folder: Path | None) -> Iterator[Path | None]:
    """Locks the folder that keeps a flash, so that only one emulator uses it.

    Raises:
        EmulatorError: Another one uses it, or it cannot be written.
    """
    if folder is None:
        yield None
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise EmulatorError(f"no flash can be kept in {folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmulatorError(
                f"{folder} is the flash of an emulator that is running: stop that one first, or "
                "name another folder"
            ) from None
        yield folder.resolve()


class Simulation:
    """One pair of emulated glasses with its radio medium, its sound and its pictures."""

    def __init__(
        self, say: Say, stack: str, keypad: bool = False, snooper: Snooper | None = None
    ) -> None:
        self._say = say
        self._stack = stack
        self._snooper = snooper
        self.keypad = keypad
        self._cleanup = contextlib.AsyncExitStack()
        self._play: asyncio.Task[None] | None = None
        self._restarting = asyncio.Lock()
        self._power_cut = False
        self._locked_calls = 0
        self.medium: Medium | None = None  # another program's
        self.address = ""

    async def start(self, board: str, program: Path, flash: Path, hci: str | None = None) -> None:
        """Starts everything and returns when a companion may connect.

        Args:
            board: Its name.
            program: The board's image.
            flash: Folder that stands for its flash, with models and configuration.
            hci: HCI transport of a medium, which is joined if it runs there, and else started.
                None starts one at a new address.

        Raises:
            EmulatorError: No medium can listen there, or the glasses did not start; the message
                ends with their last words.
        """
        await self._join(hci, flash / "hci")
        last_words: list[str] = []

        def on_console(line: str) -> None:
            last_words.append(line)
            self._say("console", line=line)

        self.board = emulated(board, program, flash, on_console, self.keypad)
        bus = await self.board.start()
        self._cleanup.push_async_callback(self.board.stop)
        self.peripherals = Peripherals(bus, lambda on: self._say("light", on=on))
        self._radio_address = flash / "radio_address"
        await self._switch_on(bus)
        self._cleanup.push_async_callback(self._switch_off)
        self.ended = asyncio.create_task(self._live())
        self._cleanup.push_async_callback(self._end_life)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT_S):
                # The radio object is replaced when the board resets.
                while not (self.radio.advertising.is_set() or self.ended.done()):  # noqa: ASYNC110
                    await asyncio.sleep(READY_POLL_S)
        if not self.radio.advertising.is_set():
            told = [line for line in last_words if line.strip() and not PROMPT.match(line)]
            words = told[-1].strip() if told else "nothing"
            raise EmulatorError(
                f"the glasses did not come up; they said: {words}. Mend what is on their flash, or "
                "start with another one (--flash)"
            )

    async def _join(self, wanted: str | None, last: Path) -> None:
        if wanted and await _runs(wanted):
            self.address = wanted
            return
        # Companions file bonds by HCI transport: glasses that keep their flash keep theirs.
        known = last.read_text() if last.exists() else ANY_ADDRESS
        self.medium = Medium()
        for address in (wanted,) if wanted else (known, ANY_ADDRESS):
            try:
                server = await serve(self.medium, address.replace("tcp-client:", "tcp:"))
                break
            except (ValueError, OSError) as error:
                why = error
        else:
            raise EmulatorError(f"no medium can listen at {wanted}: {why}")
        self._cleanup.push_async_callback(server.close)
        self.address = server.address
        last.write_text(server.address)

    async def _switch_on(self, bus: Bus) -> None:
        # A chip has its address for life, as its flash has its bonds.
        known = self._radio_address.read_text() if self._radio_address.exists() else None
        self.radio = Radio(bus, self.address, known, self._stack, self._snooper)
        self._radio_address.write_text(self.radio.address)
        await self.radio.start()
        self._reading = asyncio.create_task(bus.run())

    async def _switch_off(self) -> None:
        await end_task(self._reading)
        await self.radio.close()
        self._locked_calls += self.radio.board.locked_calls

    def counters(self) -> dict[str, int]:
        """Returns the radio's traffic since the board last started, and all `locked_calls`."""
        counters = self.radio.counters()
        counters["locked_calls"] += self._locked_calls
        return counters

    async def _live(self) -> int:
        """Restarts the board after resets and power cuts, until it ends; returns its status."""
        while (status := await self.board.wait()) in RESETS or self._power_cut:
            self._power_cut = False
            async with self._restarting:
                await self._switch_off()
                await self.peripherals.bus.close()
                bus = await self.board.start()
                self.peripherals.attach(bus)
                await self._switch_on(bus)
            self._say("restarted", status=status)
        return status

    def cut_power(self) -> None:
        """Cuts the board's power between two instructions, and gives it back."""
        self._power_cut = True
        self.board.cut_power()

    async def _end_life(self) -> None:
        async with self._restarting:
            self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)

    async def play(self, samples: bytes, *, realtime: bool = True, loop: bool = False) -> None:
        """Plays 16 kHz int16 samples to the microphone, replacing what was playing."""
        await self.hush()
        self._play = asyncio.create_task(self._run_play(samples, realtime, loop))

    async def quiet(self) -> None:
        """Plays a quiet room after the current sound, since a microphone never stops."""
        room = sound.noise(QUIET_S, QUIET_RMS).astype("<i2").tobytes()
        if self._play:
            await self._play
        while True:
            await self.peripherals.mic.play(room)

    async def _run_play(self, samples: bytes, realtime: bool, loop: bool) -> None:
        while True:
            await self.peripherals.mic.play(
                samples,
                realtime=realtime,
                on_start=lambda at: self._say("mic_started", monotonic_s=at),
            )
            if not loop:
                self._say("mic_done")
                return

    async def hush(self) -> None:
        """Stops the sound that is playing."""
        if self._play:
            await end_task(self._play)

    async def stop(self) -> None:
        """Ends everything that `start` started."""
        await self.hush()
        await self._cleanup.aclose()


async def _runs(hci: str) -> bool:
    """Whether a program serves a medium at this address."""
    try:
        transport = await open_transport(hci)
    except (OSError, core.BaseBumbleError):
        return False
    await transport.close()
    return True


def _sounds(paths: Iterable[Path]) -> bytes:
    return b"".join(sound.load(path).astype("<i2").tobytes() for path in paths)


def own_medium(simulation: Simulation) -> Medium:
    """Returns the medium that a simulation has started.

    Raises:
        ValueError: It has joined one.
    """
    if simulation.medium is None:
        raise ValueError("the radio is up to the program that started the medium")
    return simulation.medium


async def obey(simulation: Simulation, command: dict[str, Any]) -> None:
    """Carries out one command of the control stream.

    Raises:
        ValueError, KeyError, TypeError: The command is not understood.
        sound.SoundError, PictureError: A file in it cannot be used.
    """
    match command.pop("do"):
        case "mic":
            await simulation.play(_sounds(map(Path, command.pop("files"))), **command)
        case "hush":
            await simulation.hush()
        case "mute":
            simulation.peripherals.mic.muted = command["on"]
        case "camera":
            simulation.peripherals.camera.show(Path(command["folder"]))
        case "picture":
            simulation.peripherals.camera.next()
        case "battery":
            simulation.peripherals.battery(command["percent"], command["mv"])
        case "button":
            simulation.peripherals.button(command["pressed"])
        case "power":
            simulation.cut_power()
        case "type":
            if not simulation.keypad:
                raise ValueError("these glasses have no keys: start them with --keypad")
            simulation.peripherals.type(command["text"])
        case "range":
            own_medium(simulation).out_of_range(not command["in"])
        case "link":
            own_medium(simulation).set_timing(Timing(**command))
        case "drop":
            own_medium(simulation).drop_links()
        case "counters":
            say_json("counters", **simulation.counters())
        case other:
            raise ValueError(f"no command {other!r}")


async def control(simulation: Simulation) -> None:
    """Obeys the JSON lines on standard input until it ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        try:
            await obey(simulation, json.loads(line))
        except (ValueError, KeyError, TypeError, sound.SoundError, PictureError) as error:
            say_json("error", text=f"{type(error).__name__}: {error}")


def _note(say: Say, text: str) -> None:
    say("note", text=text)


async def run(
    board: str,
    config: dict[str, Any],
    *,
    mic: list[Path],
    camera: Path | None,
    seconds: float | None,
    loop: bool,
    flash: Path | None,
    hci: str | None,
    mirror: Path | None,
    capture: Path | None,
    controlled: bool,
    stack: str,
    keypad: bool,
    say: Say,
    keyed: bool,
) -> None:
    """Runs emulated glasses until time is up, the control stream ends, or a key quits.

    Raises:
        EmulatorError: The glasses did not come up, or ended by themselves; or `flash` is in use.
        BuildError: No glasses are emulated on such a board, or its image does not build.
        QemuError, FlashImageError: There is no QEMU that will do, or `flash` is damaged.
        sound.SoundError, PictureError, zoo.ZooError: What they should hear, see or run is missing.
    """
    # What cannot be used is said before anything is built or started.
    micropython.check_glasses(board)
    samples = _sounds(mic)
    if camera:
        load_folder(camera)
    with (
        tempfile.TemporaryDirectory(prefix="glint-flash-") as folder,
        _kept(flash) as kept,
        captured(capture) as snooper,
    ):
        simulation = Simulation(say, stack, keypad, snooper)
        place = kept or Path(folder)
        if not (place / "config.json").exists():
            prepare_flash(place, config, mirror, say)
        program = micropython.ensure(board)
        scenes = camera or draw_scenes(Path(folder) / "scenes")
        try:
            await simulation.start(board, program, place, hci)
            simulation.peripherals.camera.show(scenes)
            say("ready", hci=simulation.address, board=board, name=config["name"])
            if samples:
                await simulation.play(samples, loop=loop)
            ends: set[asyncio.Task[Any]] = {simulation.ended}
            ends.add(asyncio.create_task(control(simulation) if controlled else simulation.quiet()))
            if keyed and keys.at_terminal():
                obeyed = functools.partial(obey, simulation)
                ends.add(
                    asyncio.create_task(keys.follow(obeyed, lambda text: say("note", text=text)))
                )
            done, _ = await asyncio.wait(ends, timeout=seconds, return_when="FIRST_COMPLETED")
            if simulation.ended in done:
                status = simulation.ended.result()
                raise EmulatorError(f"the glasses ended by themselves, with status {status}")
        finally:
            await simulation.stop()
