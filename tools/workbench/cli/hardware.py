# SPDX-License-Identifier: Apache-2.0
"""`glint flash`, `deploy` and `doctor`: the commands for boards on a serial port."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.device import esp_image

Port = Annotated[
    str | None,
    typer.Option(
        help="Serial port of the board, like /dev/ttyACM0 (default: the only one plugged in)."
    ),
]


def flash(
    port: Port = None,
    image: Annotated[
        Path | None,
        typer.Option(help="Whole-flash image (default: MicroPython's own for this chip)."),
    ] = None,
    micropython: Annotated[
        str | None,
        typer.Option(help="Release of MicroPython's own image (default: the first that fits)."),
    ] = None,
    mirror: Annotated[
        Path | None,
        typer.Option(help="Folder to take the official image from, without internet."),
    ] = None,
    backup: Annotated[
        Path | None, typer.Option(help="Save the whole flash to this file first.")
    ] = None,
) -> None:
    """Write MicroPython into an ESP32-S3 board, and verify it."""
    from workbench.device import flash as flasher
    from workbench.device import official, trust
    from workbench.device.serialboard import starts, the_port

    own = None if image is None else flasher.read_image(image)
    port = the_port(port)

    with _shown() as (say, progress):

        def choose(board: flasher.BoardFacts) -> esp_image.Image:
            if own is not None:
                return own
            chosen = official.choose(board.memory, board.flash_bytes, micropython)
            say(f"for {board.memory.words}: {chosen.name}")
            return flasher.official_image(chosen, mirror, say)

        board = flasher.write(port, choose, backup=backup, progress=progress, say=say)
        if trust.checkout_trusts_development():
            say(f"note: {trust.DEVELOPMENT_NOTICE}")
    print(f"{board.chip} {board.mac}: wrote and verified what it starts from")
    if not starts(port):
        print("no MicroPython answers yet: press the board's RESET button (or plug it in anew)")


@contextlib.contextmanager
def _shown() -> Iterator[tuple[Callable[[str], None], Callable[[str, int, int], None]]]:
    """Returns functions that show a remark, and a step's progress in bytes, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None, visible=False)

        def show(step: str, done: int, total: int) -> None:
            bars.update(task, description=step, completed=done, total=total, visible=True)

        def say(line: str) -> None:
            console.print(line, soft_wrap=True)

        yield say, show


Words = Annotated[
    list[str] | None, typer.Option("--word", help="Wake word model, a name or a .tflite file.")
]
Vision = Annotated[str, typer.Option(help='Vision model, a name or a file; "" for none.')]
Board = Annotated[str, typer.Option(help="Folder below boards/ with the board's board.py.")]
ModelMirror = Annotated[
    Path | None,
    typer.Option("--mirror", envvar="GLINT_MIRROR", help="Folder to take model files from."),
]

DEFAULT_WORDS = ["okay_nabu"]


def deploy(
    port: Port = None,
    board: Board = "esp32s3",
    word: Words = None,
    vision: Vision = "",
    mirror: ModelMirror = None,
    config: Annotated[
        Path | None, typer.Option(help="Settings (JSON) to put on the board as config.json.")
    ] = None,
    modules: Annotated[
        Path | None, typer.Option(help="Folder with ready-made native modules (default: build).")
    ] = None,
    pins: Annotated[
        Path | None, typer.Option(help="How a board was wired (JSON), where its owner did that.")
    ] = None,
) -> None:
    """Put the application, its native modules and models on a board, and test them there."""
    from workbench.device import deploy as deployer
    from workbench.device import pins as wiring
    from workbench.device import selftest, trust, update_image
    from workbench.device.serialboard import stopped, the_port

    port = the_port(port)  # before anything is fetched for it
    files = deployer.bundle(board, word or DEFAULT_WORDS, vision, mirror)
    settings = None if config is None else deployer.read_config(config)
    chosen: dict[str, object] = {"words": [Path(name).stem for name in word]} if word else {}
    if vision:
        chosen["vision"] = Path(vision).stem
    with _shown() as (say, progress), stopped(port) as there:
        facts = there.facts()
        say(f"{facts.machine}, MicroPython {facts.version}")
        deployer.refuse_unless_fit(facts, board)
        if trust.refuse_unless_open(there, update_image.firmware_counter()).development:
            say(f"note: {trust.DEVELOPMENT_NOTICE}")
        files |= wiring.settle(board, there, facts, pins, _ask if sys.stdin.isatty() else None)
        files |= deployer.native_modules(facts, modules, say)
        on_board = deployer.read_board_config(there)
        settings = (on_board if settings is None else settings) | chosen
        if settings != on_board:
            files[deployer.CONFIG] = json.dumps(settings).encode()
        outcome = deployer.put(there, files, progress)
        say(f"{len(outcome.sent)} files sent, {len(outcome.kept)} were there already")
        report = selftest.run(there, deployer.tested_model(there))
    print(
        f"self-test passed: {report['hop_us']} us a hop, {report['heap_free']} bytes of heap free"
    )


def _ask(question: str) -> int:
    """Asks the user for a pin on the terminal."""
    number: int = typer.prompt(question, type=int)
    return number


def doctor(
    port: Port = None,
    board: Board = "esp32s3",
    word: Words = None,
    vision: Vision = "",
    mirror: ModelMirror = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Look at this machine and a board, and say what to do next."""
    from workbench.device import deploy as deployer
    from workbench.device import doctor as examiner
    from workbench.device.serialboard import plugged_in, the_port

    looked_at = [examiner.machine()]
    if port is not None or len(plugged_in()) == 1:
        port = the_port(port)
    if port is not None:
        files = deployer.bundle(board, word or DEFAULT_WORDS, vision, mirror)
        looked_at.append(examiner.board(port, board, files))
    to_do = ""
    bad = False
    for findings in looked_at:  # Advice about the board comes before advice about the machine.
        first = ""
        for finding in findings:
            if finding.good is False:
                first = first or finding.advice
                bad = True
            if as_json:
                print(json.dumps(dataclasses.asdict(finding)))
                continue
            mark = {True: "ok", False: "BAD", None: "--"}[finding.good]
            advice = f"\n     {finding.advice}" if finding.advice else ""
            print(f"{mark:4} {finding.what}: {finding.found}{advice}")
        to_do = first or to_do
    if not as_json:
        print(f"next: {to_do or 'nothing to mend' + ('' if port else '; look at a board: --port')}")
    if bad:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Adds the commands for boards to `app`."""
    app.command()(flash)
    app.command()(deploy)
    app.command()(doctor)
