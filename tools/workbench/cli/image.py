# SPDX-License-Identifier: Apache-2.0
"""`glint image`: makes update images for glasses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Make update images for glasses.")


@app.command()
def build(
    output: Annotated[Path, typer.Argument(help="File to write.")],
    board: Annotated[str, typer.Option(help="Folder below boards/: what it is for.")] = "esp32s3",
    word: Annotated[
        list[str] | None, typer.Option("--word", help="Wake word model, a name or a .tflite file.")
    ] = None,
    vision: Annotated[str, typer.Option(help='Vision model, a name or a file; "": none.')] = "",
    mirror: Annotated[
        Path | None,
        typer.Option(envvar="GLINT_MIRROR", help="Folder to take model files from."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Like 1.2.3 or 1.2.3+4 (default: the firmware's).")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="Private RSA-2048 key, PEM (default: the development key).")
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="Refuse the development key.")] = False,
) -> None:
    """Builds and signs an update image with this checkout's application and models."""
    from workbench.device import update_image

    version = version or update_image.firmware_version()
    data = update_image.build(
        board,
        words=word or ["okay_nabu"],
        vision=vision,
        mirror=mirror,
        version=version,
        key=key or update_image.DEVELOPMENT_KEY,
        release=release,
    )
    try:
        output.write_bytes(data)
    except OSError as error:
        raise update_image.ImageError(f"cannot write {output}: {error.strerror}") from None
    print(f"{output}: version {version} for {board}, {len(data)} bytes")


@app.command()
def trust(
    keys: Annotated[list[Path], typer.Argument(help="Public or private RSA-2048 keys, PEM.")],
) -> None:
    """Makes the firmware of this checkout take images signed with these keys, and no others."""
    from workbench.device import update_image

    trusted = [update_image.load_key(path) for path in keys]
    update_image.TRUSTED_KEYS.write_text(update_image.render_keys(trusted))
    print(f"{update_image.TRUSTED_KEYS}: trusts {', '.join(path.stem for path in keys)}")


def register(parent: typer.Typer) -> None:
    """Adds `image` to `parent`."""
    parent.add_typer(app, name="image")
