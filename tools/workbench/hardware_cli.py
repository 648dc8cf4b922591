# SPDX-License-Identifier: Apache-2.0
"""The commands for boards on a serial port."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

Port = Annotated[str, typer.Option(help="Serial port of the board, for example /dev/ttyACM0.")]


def flash(
    port: Port,
    image: Annotated[
        Path | None,
        typer.Option(help="Whole-flash image [default: MicroPython's own for ESP32-S3]."),
    ] = None,
    mirror: Annotated[
        Path | None,
        typer.Option(help="Folder to take the official image from, without internet."),
    ] = None,
    backup: Annotated[
        Path | None, typer.Option(help="Save the whole flash to this file first.")
    ] = None,
) -> None:
    """Writes MicroPython into an ESP32-S3 board, and verifies it."""
    from workbench import flash as flasher

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step)
            bars.update(tasks[step], completed=done, total=total)

        def say(line: str) -> None:
            console.print(line, soft_wrap=True)

        checked = flasher.load_image(image, mirror, say)
        board = flasher.write(port, checked, backup=backup, progress=show, say=say)
    print(f"{board.chip} {board.mac}: wrote and verified {len(checked.data)} bytes")


def register(app: typer.Typer) -> None:
    """Adds the commands for boards to `app`."""
    app.command()(flash)
