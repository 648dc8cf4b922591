# SPDX-License-Identifier: Apache-2.0
"""The commands that the workbench adds to `glint`."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.build import micropython
from workbench.cli import boards, budget, energy, hardware, hil, image, model, train, vision, wake
from workbench.cli.options import Mirror
from workbench.emulation.radio import stacks

Board = Annotated[
    str, typer.Option(help=f"Which emulated glasses: {', '.join(micropython.glasses())}.")
]
CameraFolder = Annotated[
    Path | None, typer.Option(help="Folder of pictures that the camera sees (default: its own).")
]

DEFAULT_WORDS = ["okay_nabu"]
DEFAULT_VISION = "person_detect"


def run_until_told(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` until it is done; SIGTERM ends it as cleanly as Ctrl-C does."""

    async def wrapped() -> None:
        task = asyncio.ensure_future(main)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if this and this.cancelling():  # by Ctrl-C, which asyncio.run turns into its exception
                raise

    asyncio.run(wrapped())


def sim(
    board: Board = "linux",
    mic: Annotated[
        list[Path] | None, typer.Option(help="Sound that the microphone hears; may be repeated.")
    ] = None,
    camera: CameraFolder = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after this long.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Play the sound again and again.")] = False,
    name: Annotated[str, typer.Option(help="The name that the glasses advertise.")] = "Glint",
    word: Annotated[
        list[str] | None, typer.Option(help="Wake word model to load; may be repeated.")
    ] = None,
    flash: Annotated[
        Path | None,
        typer.Option(help="Folder to keep the flash in; what it holds is used as it is."),
    ] = None,
    hci: Annotated[
        str | None,
        typer.Option(
            metavar="TRANSPORT",
            help="HCI transport of their radio: joined where one runs there, else started there "
            "(default: one of their own; try tcp-client:127.0.0.1:9100).",
        ),
    ] = None,
    mirror: Mirror = None,
    capture: Annotated[
        Path | None,
        typer.Option(help="File for what their radio does, in btsnoop: Wireshark opens it."),
    ] = None,
    stack: Annotated[
        str,
        typer.Option(
            help=f"Bluetooth stack that the glasses behave like: {', '.join(stacks.STACKS)}."
        ),
    ] = stacks.DEFAULT,
    keypad: Annotated[
        bool,
        typer.Option("--keypad", help="Keys for digits: a companion pairs by those that it shows."),
    ] = False,
    control: Annotated[
        bool,
        typer.Option("--control", help="Obey JSON lines on standard input, and end with it."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line; --control has it, too.")
    ] = False,
) -> None:
    """Start emulated glasses and say where a companion may connect."""
    from workbench.emulation import saying
    from workbench.emulation import sim as simulator

    if stack not in stacks.STACKS:
        known = ", ".join(stacks.STACKS)
        raise typer.BadParameter(f"no stack '{stack}'; there are: {known}", param_hint="--stack")
    config = {"name": name, "words": word or DEFAULT_WORDS, "vision": DEFAULT_VISION}
    run_until_told(
        simulator.run(
            board,
            config,
            mic=mic or [],
            camera=camera,
            seconds=seconds,
            loop=loop,
            flash=flash,
            hci=hci,
            mirror=mirror,
            capture=capture,
            controlled=control,
            stack=stack,
            keypad=keypad,
            say=saying.say_json if control or as_json else saying.say_plain,
            keyed=not (control or as_json),
        )
    )


def demo(
    board: Board = "linux",
    camera: CameraFolder = None,
    mirror: Mirror = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Where sound and photo are saved.")
    ] = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say the wake word to emulated glasses and show what reaches the companion."""
    from workbench.demo import run as demonstration
    from workbench.demo import view as demo_view

    view: demo_view.View
    if as_json:
        view = demo_view.JsonView()
    elif sys.stdout.isatty():
        view = demo_view.LiveView()
    else:
        view = demo_view.PlainView()
    with view:
        run_until_told(demonstration.run(board, view, camera=camera, mirror=mirror, output=output))


def register(app: typer.Typer) -> None:
    """Adds the workbench's commands to `app`."""
    app.command()(demo)
    app.command()(sim)
    boards.register(app)
    budget.register(app)
    hardware.register(app)
    hil.register(app)
    image.register(app)
    app.add_typer(energy.app, name="energy")
    app.add_typer(model.app, name="model")
    app.add_typer(train.app, name="train")
    app.add_typer(vision.app, name="vision")
    app.add_typer(wake.app, name="wake")
