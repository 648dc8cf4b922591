# SPDX-License-Identifier: Apache-2.0
"""`glint models`: the wake words and image models on the glasses."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

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
from glint.cli.render import printable
from glint.errors import GlintError

app = typer.Typer(no_args_is_help=True, help="List, add and choose wake words and image models.")

Name = Annotated[str, typer.Argument(help="Model, as 'glint models list' prints it.")]


@app.command("list")
def list_models(
    hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0, as_json: Json = False
) -> None:
    """List the models on the glasses; * are used."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            found = await connected.models()
        for model in found:
            if as_json:
                print_object(dataclasses.asdict(model))
            else:
                mark = "*" if model.active else " "
                what = f"{model.kind:6}  {model.bytes:8} bytes  {model.name}"
                print_line(f"{mark} {printable(what)}")

    run_to_end(run())


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="A .tflite, with its .json beside it.")],
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
) -> None:
    """Copy a model and its manifest to the glasses."""
    paths = [file.with_suffix(".tflite"), file.with_suffix(".json")]
    for path in paths:
        if not path.is_file():
            raise GlintError(f"There is no file {path}: a model is a .tflite and a .json.")

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            for path in paths:
                with progress_bar(path.name, False) as progress:
                    await connected.put_file(f"models/{path.name}", path.read_bytes(), progress)

    run_to_end(run())


@app.command()
def use(name: Name, hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Listen for a wake word, or look with an image model, from now on."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.use_model(name)

    run_to_end(run())


@app.command()
def drop(name: Name, hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Use a model no more; it stays on the glasses."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.use_model(name, False)

    run_to_end(run())


@app.command()
def remove(name: Name, hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Remove a model that is not used."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.remove_model(name)

    run_to_end(run())
