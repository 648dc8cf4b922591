# SPDX-License-Identifier: Apache-2.0
"""`glint models` manages the wake words and image models on the glasses."""

import asyncio
import dataclasses
import importlib.metadata
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
    """List the models on the glasses; * marks those in use, with their arena and speed there."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            found = await connected.models()
            state = await connected.status()
        for model in found:
            arena = state.arena.get(model.name)
            took_ms = state.look_ms or None if model.name == state.vision else None
            if as_json:
                facts = {"arena_bytes": arena, "look_ms": took_ms}
                print_object({**dataclasses.asdict(model), **facts})
                continue
            mark = "*" if model.active else " "
            used = "" if arena is None else f"arena {arena} bytes"
            used += "" if took_ms is None else f", {took_ms} ms a look"
            what = f"{model.kind:6}  {model.bytes:8} bytes  {used:32}  {model.name}"
            print_line(f"{mark} {printable(what)}")

    run_to_end(run())


@app.command()
def put(
    model: Annotated[
        str,
        typer.Argument(
            metavar="FILE_OR_NAME",
            help="A .tflite with its .json beside it, or a public model's name.",
        ),
    ],
    hci: Hci = None,
    glasses: Wanted = None,
    timeout: Timeout = 10.0,
) -> None:
    """Copy a model and its manifest to the glasses, if it fits there."""
    from glint.model_files import check_manifest, check_model

    name, data, manifest = _read(model)
    check_model(f"{name}.tflite", data)  # what is none is said before anybody looks for glasses
    check_manifest(f"{name}.json", manifest)

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            board = (await connected.status()).board
            if wrong := await asyncio.to_thread(_problems, data, board):
                raise GlintError(f"{name} does not fit on {board}: {'; '.join(wrong)}")
            with progress_bar(name, False) as progress:
                await connected.put_model(name, data, manifest, progress)

    run_to_end(run())


def _problems(model: bytes, board: str) -> list[str]:
    """Why a model does not fit on a board, as far as the workbench is installed and knows it."""
    fits = [*importlib.metadata.entry_points(group="glint.fit")]
    return list(fits[0].load()(model, board)) if fits else []


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A public model's name.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write to.")
    ] = Path(),
) -> None:
    """Write a public model and its manifest into a folder."""
    data, manifest = _public(name)
    output.mkdir(parents=True, exist_ok=True)
    for suffix, content in ((".tflite", data), (".json", manifest)):
        path = output / f"{name}{suffix}"
        path.write_bytes(content)
        print_line(f"{path}: {len(content)} bytes")


def _public(name: str) -> tuple[bytes, bytes]:
    """The model and the manifest of a public model."""
    public = [*importlib.metadata.entry_points(group="glint.models")]
    if not public:
        raise GlintError("Public models need the workbench: pip install glint-workbench.")
    data, manifest = public[0].load()(name)
    return data, manifest


def _read(model: str) -> tuple[str, bytes, bytes]:
    """The name, the model and the manifest that a file or the name of a public model stands for."""
    path = Path(model)
    if not path.suffix and not path.with_suffix(".tflite").exists():
        return model, *_public(model)
    paths = path.with_suffix(".tflite"), path.with_suffix(".json")
    for one in paths:
        if not one.is_file():
            raise GlintError(f"There is no file {one}: a model is a .tflite file and a .json file.")
    return path.stem, paths[0].read_bytes(), paths[1].read_bytes()


@app.command()
def use(name: Name, hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Start using a wake word or an image model."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.use_model(name)

    run_to_end(run())


@app.command()
def drop(name: Name, hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Stop using a model; it stays on the glasses."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.use_model(name, False)

    run_to_end(run())


@app.command()
def remove(name: Name, hci: Hci = None, glasses: Wanted = None, timeout: Timeout = 10.0) -> None:
    """Remove a model that is not in use."""

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            await connected.remove_model(name)

    run_to_end(run())
