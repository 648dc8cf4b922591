# SPDX-License-Identifier: Apache-2.0
"""`glint models` manages the wake words and image models on the glasses."""

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
    """List the models on the glasses; * marks those in use."""

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
    """Copy a model and its manifest to the glasses."""
    from glint.model_files import check_manifest, check_model

    name, data, manifest = _read(model)
    check_model(f"{name}.tflite", data)  # what is none is said before anybody looks for glasses
    check_manifest(f"{name}.json", manifest)

    async def run() -> None:
        async with connect(glasses, hci, timeout) as connected:
            with progress_bar(name, False) as progress:
                await connected.put_model(name, data, manifest, progress)

    run_to_end(run())


def _read(model: str) -> tuple[str, bytes, bytes]:
    """The name, the model and the manifest that a file or the name of a public model stands for."""
    path = Path(model)
    if not path.suffix and not path.with_suffix(".tflite").exists():
        public = [*importlib.metadata.entry_points(group="glint.models")]
        if not public:
            raise GlintError(
                f"There is no file {model}.tflite, and names of public models need the workbench: "
                "pip install glint-workbench."
            )
        data, manifest = public[0].load()(model)
        return model, data, manifest
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
