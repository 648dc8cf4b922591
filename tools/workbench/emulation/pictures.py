# SPDX-License-Identifier: Apache-2.0
"""Converts picture files to the pictures that a camera would take."""

from __future__ import annotations

import importlib.util
import io
import shutil
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from workbench.errors import WorkbenchError

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}
JPEG_QUALITY = 80


class PictureError(WorkbenchError):
    """No such picture, or it cannot be read."""


def load_folder(folder: Path) -> list[Path]:
    """Lists the picture files of a folder, sorted by name.

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
    """Crops the middle of a picture to width * height grey bytes.

    Raises:
        PictureError: The file cannot be read as a picture.
    """
    return ImageOps.fit(_open(path).convert("L"), (width, height)).tobytes()


def jpeg(path: Path, width: int, height: int) -> bytes:
    """Crops the middle of a picture to a JPEG of width x height.

    Raises:
        PictureError: The file cannot be read as a picture.
    """
    encoded = io.BytesIO()
    picture = ImageOps.fit(_open(path).convert("RGB"), (width, height))
    picture.save(encoded, "JPEG", quality=JPEG_QUALITY)
    return encoded.getvalue()


def draw_scenes(folder: Path) -> Path:
    """Puts scenes into `folder`, for use if none are given: a lit room, a person, a dark room."""
    folder.mkdir(parents=True, exist_ok=True)
    if person := _portrait():
        shutil.copy(person, folder / "scene1.jpg")
    for number, brightness in ((0, 1.0), (2, 0.3)):
        scene = Image.new("RGB", (640, 480), _shade(201, 214, 222, brightness))
        draw = ImageDraw.Draw(scene)
        draw.rectangle((0, 330, 640, 480), fill=_shade(150, 111, 77, brightness))
        draw.rectangle((60, 60, 240, 220), fill=_shade(250, 244, 200, brightness))
        draw.line((150, 60, 150, 220), fill=_shade(90, 70, 60, brightness), width=8)
        draw.rectangle((360, 250, 600, 380), fill=_shade(110, 80, 60, brightness))
        draw.ellipse((440, 190, 500, 250), fill=_shade(190, 60, 50, brightness))
        scene.save(folder / f"scene{number}.png")
    return folder


def _portrait() -> Path | None:
    """The photo of Grace Hopper (US Navy, public domain) in matplotlib's wheel, if it is there."""
    package = importlib.util.find_spec("matplotlib")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    return path if path.exists() else None


def _shade(red: int, green: int, blue: int, brightness: float) -> tuple[int, int, int]:
    return int(red * brightness), int(green * brightness), int(blue * brightness)
