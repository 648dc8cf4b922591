# SPDX-License-Identifier: Apache-2.0
"""`glint update`, `glint crash` and `glint reset`: what the glasses run."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

if TYPE_CHECKING:
    from glint.update import Boot, Updated


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    for command in (update, crash, reset):
        app.command()(command)


def update(
    file: Annotated[Path, typer.Argument(help="Update image; 'glint image build' makes one.")],
    allow_downgrade: Annotated[
        bool, typer.Option("--allow-downgrade", help="Also accept an image older than what runs.")
    ] = False,
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 60.0,
    as_json: Json = False,
) -> None:
    """Update the glasses: try the image, and keep it if it is well."""
    from glint.image import load

    load(file)  # A bad image is refused before anybody looks for glasses.

    async def run() -> "Updated":
        async with connect(glasses, hci, timeout) as connected:
            with progress_bar("update", as_json) as progress:
                return await connected.update(
                    file, progress=progress, allow_downgrade=allow_downgrade
                )

    done = run_to_end(run())
    if as_json:
        print_object(dataclasses.asdict(done))
    else:
        print_line(f"{done.version} runs, and is confirmed (before: {done.before})")


def crash(
    hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0, as_json: Json = False
) -> None:
    """Print the last crash, whether the glasses are in safe mode, and why an update failed."""

    async def run() -> "Boot":
        async with connect(glasses, hci, timeout) as connected:
            return await connected.boot()

    boot = run_to_end(run())
    if as_json:
        print_object(dataclasses.asdict(boot))
        return
    print_line("safe mode" if boot.safe else "not in safe mode")
    if boot.refused:
        print_line(f"last update: {render.printable(boot.refused)}")
    for line in boot.crash.splitlines() or ["no crash"]:
        print_line(render.printable(line))


def reset(hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Restart the glasses."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.reset()

    run_to_end(run())
