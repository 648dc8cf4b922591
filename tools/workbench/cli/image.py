# SPDX-License-Identifier: Apache-2.0
"""`glint image`: makes update images for glasses, and the keys that sign them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Make update images for glasses, and their keys.")
keys_app = typer.Typer(no_args_is_help=True, help="Make, list and rotate the keys that sign.")
app.add_typer(keys_app, name="keys")

Board = Annotated[str, typer.Option(help="Folder below boards/: what it is for.")]
Words = Annotated[
    list[str] | None, typer.Option("--word", help="Wake word model, a name or a .tflite file.")
]
Vision = Annotated[str, typer.Option(help='Vision model, a name or a file; "": none.')]
Mirror = Annotated[
    Path | None, typer.Option(envvar="GLINT_MIRROR", help="Folder to take model files from.")
]
Version = Annotated[
    str | None, typer.Option(help="Like 1.2.3 or 1.2.3+4 (default: the firmware's).")
]
SecurityCounter = Annotated[
    int | None,
    typer.Option(min=0, max=0xFFFFFFFF, help="MCUboot's security counter (default: firmware's)."),
]
Production = Annotated[
    bool,
    typer.Option(
        "--production", help="Close the glasses: they refuse the development key for good."
    ),
]


@app.command()
def build(
    output: Annotated[Path, typer.Argument(help="File to write.")],
    board: Board = "esp32s3",
    word: Words = None,
    vision: Vision = "",
    mirror: Mirror = None,
    version: Version = None,
    key: Annotated[
        Path | None, typer.Option(help="Private RSA-2048 key, PEM (default: the development key).")
    ] = None,
    security_counter: SecurityCounter = None,
    add: Annotated[
        list[Path] | None, typer.Option("--add-key", help="Key, PEM, to trust from then on.")
    ] = None,
    retire: Annotated[
        list[Path] | None, typer.Option("--retire-key", help="Key, PEM, never to trust again.")
    ] = None,
    production: Production = False,
    extension: Annotated[
        Path | None,
        typer.Option(help="Your own module for the application: it goes along as extension.py."),
    ] = None,
) -> None:
    """Builds and signs an update image with this checkout's application and models."""
    from workbench.device import trust, update_image

    key = key or update_image.DEVELOPMENT_KEY
    if production and trust.is_development(key):
        raise update_image.ImageError("--production wants a key of your own: glint image keys make")
    changes = trust.Changes(
        add=tuple(update_image.load_key(path) for path in add or ()),
        retire=tuple(update_image.load_key(path) for path in retire or ()),
        close=production,
    )
    if update_image.load_key(key).digest in [gone.digest for gone in changes.retire]:
        raise update_image.ImageError(
            f"glasses refuse an image that retires the key it is signed with ({key}); sign it "
            "with the one that stays"
        )
    data = update_image.sign(
        update_image.payload(
            board,
            words=word or ["okay_nabu"],
            vision=vision,
            mirror=mirror,
            extension=extension,
        ),
        version=version or update_image.firmware_version(),
        board=board,
        key=key,
        counter=update_image.firmware_counter() if security_counter is None else security_counter,
        changes=changes.encode(),
    )
    _write(output, data)
    if trust.is_development(key):
        typer.echo(f"note: {trust.DEVELOPMENT_NOTICE}", err=True)


@keys_app.command()
def make(
    path: Annotated[Path, typer.Argument(help="File to write the private key to, PEM.")],
) -> None:
    """Makes a private RSA-2048 key, and the file of its public half."""
    from workbench.device import trust

    public = trust.make_key(path)
    print(f"{path}: private; keep it where only you can read it, and a copy. {public}: public")


@keys_app.command(name="list")
def list_() -> None:
    """Lists the keys that this checkout's firmware trusts at first."""
    from workbench.device import trust, update_image

    development = update_image.load_key(update_image.DEVELOPMENT_KEY).digest
    for digest, name in trust.checkout_keys().items():
        note = f"  note: {trust.DEVELOPMENT_NOTICE}" if digest == development else ""
        print(f"{digest.hex()} {name}{note}")
    print("what glasses trust since their updates, they tell: glint info")


@keys_app.command(name="trust")
def trust_(
    keys: Annotated[list[Path], typer.Argument(help="Public or private RSA-2048 keys, PEM.")],
) -> None:
    """Makes the firmware of this checkout trust these keys at first, and no others."""
    from workbench.device import trust, update_image

    update_image.TRUSTED_KEYS.write_text(
        update_image.render_keys([update_image.load_key(path) for path in keys])
    )
    print(f"{update_image.TRUSTED_KEYS}: trusts {', '.join(path.stem for path in keys)}")
    if trust.checkout_trusts_development():
        typer.echo(f"note: {trust.DEVELOPMENT_NOTICE}", err=True)


@keys_app.command()
def rotate(
    folder: Annotated[Path, typer.Argument(help="Folder to write the two images to.")],
    new: Annotated[Path, typer.Option(help="Private key that the glasses are to trust, PEM.")],
    old: Annotated[
        Path | None,
        typer.Option(help="Private key that they trust now, PEM (default: the development key)."),
    ] = None,
    board: Board = "esp32s3",
    word: Words = None,
    vision: Vision = "",
    mirror: Mirror = None,
    version: Version = None,
    security_counter: SecurityCounter = None,
    production: Production = False,
) -> None:
    """Makes two images that bring glasses from one key to another: install them one by one."""
    from workbench.device import trust, update_image

    images = trust.rotation(
        update_image.payload(board, words=word or ["okay_nabu"], vision=vision, mirror=mirror),
        version=version or update_image.firmware_version(),
        board=board,
        old=old or update_image.DEVELOPMENT_KEY,
        new=new,
        counter=update_image.firmware_counter() if security_counter is None else security_counter,
        close=production,
    )
    for name, data in images.items():
        _write(folder / name, data)
    print(
        f"then: glint update {folder / trust.ADD_NAME}; glint update {folder / trust.RETIRE_NAME}"
    )


def _write(path: Path, data: bytes) -> None:
    from workbench.device import update_image
    from workbench.device.trust import described

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise update_image.ImageError(f"cannot write {path}: {error.strerror}") from None
    print(f"{path}: {described(data)}, {len(data)} bytes")


def register(parent: typer.Typer) -> None:
    """Adds `image` to `parent`."""
    parent.add_typer(app, name="image")
