# SPDX-License-Identifier: Apache-2.0
"""Pictures as a camera would give them, from picture files."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
JPEG_QUALITY = 80


class PictureError(Exception):
    """No such picture, or it cannot be read."""


def load_folder(folder: Path) -> list[Path]:
    """The picture files of a folder, by name.

    Raises:
        PictureError: The folder is not there or holds none.
    """
    if not folder.is_dir():
        raise PictureError(f"camera: no folder {folder}")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        kinds = " ".join(sorted(SUFFIXES))
        raise PictureError(f"camera: no picture in {folder} (of kind {kinds})")
    return found


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture
    except (UnidentifiedImageError, OSError) as error:
        raise PictureError(f"camera: cannot read {path.name}: {error}") from error


def grey(path: Path, width: int, height: int) -> bytes:
    """The middle of a picture as width * height grey bytes.

    Raises:
        PictureError: The file cannot be read as a picture.
    """
    return ImageOps.fit(_open(path).convert("L"), (width, height)).tobytes()


def jpeg(path: Path, width: int, height: int) -> bytes:
    """The middle of a picture as a JPEG of width x height.

    Raises:
        PictureError: The file cannot be read as a picture.
    """
    encoded = io.BytesIO()
    picture = ImageOps.fit(_open(path).convert("RGB"), (width, height))
    picture.save(encoded, "JPEG", quality=JPEG_QUALITY)
    return encoded.getvalue()
