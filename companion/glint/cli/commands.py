# SPDX-License-Identifier: Apache-2.0
"""The companion's own commands: scan, listen, watch, info, photo, record."""

import asyncio
import contextlib
import dataclasses
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glint import audio
from glint.cli import render
from glint.cli.options import (
    Hci,
    Json,
    Timeout,
    Wanted,
    connect,
    print_line,
    print_object,
    progress_bar,
    run_to_end,
)
from glint.errors import GlintError, MediaError, NotFoundError
from glint.events import Event, Media, Wake
from glint.waiting import end_tasks

if TYPE_CHECKING:
    from glint.client import Glasses
    from glint.forward import Place

Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    for command in (scan, listen, watch, info, photo, record):
        app.command()(command)


def scan(
    seconds: Annotated[float, typer.Option(min=0, metavar="S", help="How long.")] = 3.0,
    hci: Hci = None,
    as_json: Json = False,
) -> None:
    """List the glasses that advertise."""
    from glint.finding import scan as scan_now

    found = run_to_end(scan_now(seconds, hci))
    if not found:
        raise NotFoundError(
            f"No glasses heard within {seconds:g} s: are they on, near, and not connected to "
            "another companion?"
        )
    for one in found:
        if as_json:
            print_object(dataclasses.asdict(one))
        else:
            print_line(f"{one.address}  {one.rssi:4} dBm  {render.printable(one.name)}")


def listen(
    seconds: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Stop after this long.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Save the audio and photos that arrive in this folder."),
    ] = None,
    unread: Annotated[
        bool, typer.Option("--unread", help="Begin with what nobody has read yet.")
    ] = False,
    run_command: Annotated[
        str | None,
        typer.Option(
            "--exec", metavar="CMD", help="Run this for each event, which is JSON on its input."
        ),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post each event there as JSON.")
    ] = None,
    mqtt: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Publish each event at this broker: mqtt://HOST/PREFIX, or mqtts for TLS.",
        ),
    ] = None,
    home_assistant: Annotated[
        bool, typer.Option("--home-assistant", help="With --mqtt: be discovered by Home Assistant.")
    ] = False,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Print what the glasses hear and see, one event a line."""
    if save:
        try:
            save.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GlintError(f"Nothing can be saved in {save}: {error.strerror}.") from None
    if home_assistant and not mqtt:
        raise GlintError("--home-assistant needs the broker: --mqtt URL.")
    places = _places(run_command, webhook)
    if mqtt:
        from glint.forward.mqtt import Mqtt, parse

        parse(mqtt)  # what is wrong with it is said before anybody looks for glasses

    async def run() -> None:
        async with (
            connect(glasses, hci, timeout) as connected,
            _Saver(connected, save, as_json) as saver,
            contextlib.AsyncExitStack() as stack,
        ):
            if mqtt:
                places.append(Mqtt(mqtt, await connected.info(), home_assistant))
            for place in places:
                await stack.enter_async_context(place)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    async for event in connected.events("unread" if unread else "now"):
                        _print_event(event, as_json)
                        saver.take(event)
                        for place in places:
                            await place.send(event)

    run_to_end(run())


def _places(run_command: str | None, webhook: str | None) -> "list[Place]":
    """Where else events go; a broker has to know the glasses first."""
    places: list[Place] = []
    if run_command is not None:
        from glint.forward.command import Command

        places.append(Command(run_command))
    if webhook is not None:
        from glint.forward.webhook import Webhook

        places.append(Webhook(webhook))
    return places


def watch(
    rate: Annotated[
        float, typer.Option(min=0.2, max=10, metavar="HZ", help="Looks a second, 0.2 to 10.")
    ] = 1.0,
    seconds: Annotated[
        float | None, typer.Option(min=0, metavar="S", help="Stop after this long.")
    ] = None,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Have the glasses look by themselves, and print what they see whenever it changes."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            with contextlib.suppress(TimeoutError):
                async with (
                    asyncio.timeout(seconds),
                    contextlib.aclosing(connected.watch(rate)) as changes,
                ):
                    async for seen in changes:
                        _print_event(seen, as_json)

    run_to_end(run())


def info(
    hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0, as_json: Json = False
) -> None:
    """Show what the glasses are and what state they are in."""

    async def run() -> dict[str, Any]:
        async with connect(glasses, hci, timeout) as connected:
            return dataclasses.asdict(await connected.info())

    facts = run_to_end(run())
    if as_json:
        print_object(facts)
        return
    state = facts.pop("status")
    trust = facts.pop("trust")
    energy = render.energy_lines(state.pop("used_uah"), state.pop("left_min"))
    facts["pairing"] = render.pairing_text(facts["pairing"])
    for key, value in {**facts, **state}.items():
        if isinstance(value, list):
            value = ", ".join(value)
        elif isinstance(value, dict):
            value = ", ".join(f"{name} {number}" for name, number in value.items())
        print_line(f"{key:16}  {render.printable(str(value))}")
    for line in [*energy, *render.trust_lines(trust)]:
        print_line(render.printable(line))


def photo(
    output: Output,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Take a photo; the file's extension chooses the format."""
    from glint.photo import check_path

    _check_folder(check_path(output))

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            begin = time.monotonic()
            with progress_bar("photo", as_json) as progress:
                taken = await connected.photo(progress=progress)
            took_s = time.monotonic() - begin
        taken.save(output)
        if as_json:
            facts = {"width": taken.width, "height": taken.height, "bytes": len(taken.data)}
            print_object({"path": str(output), **facts, "took_s": round(took_s, 3)})
        else:
            size = f"{taken.width}x{taken.height}, {len(taken.data)} bytes"
            print_line(f"{output}: {size} in {took_s:.2f} s")

    run_to_end(run())


def record(
    output: Output,
    seconds: Annotated[float, typer.Option(min=0, metavar="S", help="Length.")] = 5.0,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
    as_json: Json = False,
) -> None:
    """Record the microphone to a WAV file."""
    _check_folder(audio.check_path(output))

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            with progress_bar("recording", as_json) as progress:
                recorded = await connected.record(seconds, progress=progress)
        recorded.save(output)
        if as_json:
            facts = {"seconds": recorded.seconds, "rate_hz": recorded.rate_hz}
            print_object({"path": str(output), **facts, "preroll_ms": recorded.preroll_ms})
        else:
            print_line(f"{output}: {recorded.seconds:.2f} s at {recorded.rate_hz} Hz")

    run_to_end(run())


class _Saver:
    """Saves media as they are announced, if a folder is given."""

    def __init__(self, glasses: "Glasses", folder: Path | None, as_json: bool) -> None:
        self._glasses = glasses
        self._folder = folder
        self._as_json = as_json
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake: Wake | None = None

    async def __aenter__(self) -> "_Saver":
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(*self._tasks)

    def take(self, event: Event) -> None:
        if isinstance(event, Wake):
            self._wake = event
        if self._folder and isinstance(event, Media):
            task = asyncio.create_task(self._save(event, self._folder))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _save(self, media: Media, folder: Path) -> None:
        of_word = self._wake and media.cause == self._wake.seq
        label = re.sub(r"\W+", "_", self._wake.word) if self._wake and of_word else media.kind
        suffix = "wav" if media.kind == "audio" else "jpg"
        path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{label}-{media.id}.{suffix}"
        try:
            if media.kind == "audio":
                (await self._glasses.audio(media)).save(path)
            else:
                (await self._glasses.photo(media)).save(path)
        except MediaError as error:
            render.complain(str(error))
            return
        if self._as_json:
            print_object({"type": "saved", "path": str(path), "id": media.id, "kind": media.kind})
        else:
            print_line(f"{'saved':>12}  {path}")


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise GlintError(f"There is no folder {path.parent}: make it first.")


def _print_event(event: Event, as_json: bool) -> None:
    if as_json:
        print_object(event.as_json())
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(render.event_text(event), soft_wrap=True)
    else:
        print_line(render.event_text(event).plain)
