# SPDX-License-Identifier: Apache-2.0
"""Finds or downloads public models by name, as listed with checksums in models/zoo.toml."""

from __future__ import annotations

import difflib
import functools
import hashlib
import http.client
import importlib.metadata
import json
import os
import shutil
import tempfile
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import platformdirs

from workbench.errors import WorkbenchError
from workbench.paths import MODELS
from workbench.system import Say, say_step

ZOO = MODELS / "zoo.toml"
TIMEOUT_S = 8
FILE_MAX_BYTES = 64 * 1024 * 1024


class ZooError(WorkbenchError):
    """A model is unknown, cannot be had, or is not the file it should be."""


@functools.cache
def entries() -> dict[str, dict[str, Any]]:
    """The tables of models/zoo.toml by model name."""
    return tomllib.loads(ZOO.read_text())


def cache_folder() -> Path:
    """Where fetched files are kept: GLINT_CACHE, or the user's cache folder for glint."""
    cache = os.environ.get("GLINT_CACHE") or platformdirs.user_cache_dir("glint")
    return Path(cache) / "models"


def _entry(name: str) -> dict[str, Any]:
    if name in entries():
        return entries()[name]
    if "/" in name or Path(name).suffix:
        raise ZooError(f"no such file: {name}")
    close = difflib.get_close_matches(name, entries(), n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise ZooError(f"no model '{name}'; {hint}known: {', '.join(entries())}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _packaged(package: str, path: str) -> Path | None:
    try:
        return Path(str(importlib.metadata.distribution(package).locate_file(path)))
    except importlib.metadata.PackageNotFoundError:
        return None


def _download(url: str, sha256: str, target: Path) -> None:
    """Downloads a file into the cache, where it appears complete and verified or not at all.

    Raises:
        ZooError: It could not be fetched, or is not the file it should be.
    """
    host = urllib.parse.urlsplit(url).hostname
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            data = response.read(FILE_MAX_BYTES)
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise ZooError(f"{host} gave no {target.name} ({reason})") from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise ZooError(f"{host} gave another {target.name} (sha256 {digest}, not {sha256})")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
    os.chmod(file.name, 0o644)
    os.replace(file.name, target)


def _fetch(name: str, source: dict[str, Any], suffix: str, mirror: Path | None, say: Say) -> Path:
    """Returns the model file that `source` describes: cached, packaged, mirrored or downloaded."""
    sha256 = source["sha256"]
    cached = cache_folder() / f"{name}{suffix}"
    packaged = _packaged(source["package"], source["path"]) if "package" in source else None
    for place in (cached, packaged):
        if place and place.is_file() and _sha256(place) == sha256:
            return place
    if mirror is None and (named := os.environ.get("GLINT_MIRROR")):
        mirror = Path(named)
    if mirror:
        if not mirror.is_dir():
            raise ZooError(f"the mirror {mirror} is no folder")
        mirrored = mirror / f"{name}{suffix}"
        if mirrored.is_file():
            if _sha256(mirrored) != sha256:
                raise ZooError(f"{mirrored} is another file than models/zoo.toml means (sha256)")
            return mirrored
    say(f"getting {cached.name} from {urllib.parse.urlsplit(source['url']).hostname}")
    try:
        _download(source["url"], sha256, cached)
    except ZooError as error:
        raise ZooError(
            f"model {name} cannot be had: {error}. "
            f"Without internet, name a folder that holds {cached.name} with --mirror DIR"
        ) from None
    except OSError as error:
        raise ZooError(f"cannot keep {cached}: {error.strerror}. Set GLINT_CACHE") from None
    return cached


def find(name_or_path: str, mirror: Path | None = None, say: Say = say_step) -> Path:
    """Returns the path of a model file, downloading it if necessary.

    Args:
        name_or_path: A file, or the name of a model in models/zoo.toml.
        mirror: Folder that holds models as NAME.tflite (and NAME.json); default GLINT_MIRROR.
        say: Called with a line when something is downloaded.

    Raises:
        ZooError: It is unknown, cannot be obtained, or its checksum is wrong.
    """
    if Path(name_or_path).is_file():
        return Path(name_or_path)
    return _fetch(name_or_path, _entry(name_or_path), ".tflite", mirror, say)


def manifest(name: str, mirror: Path | None = None, say: Say = say_step) -> dict[str, Any]:
    """Returns the JSON manifest of a model of the zoo, which tells the firmware how to use it.

    Raises:
        ZooError: As for `find`.
    """
    entry = _entry(name)
    if "manifest" in entry:
        return dict(entry["manifest"])
    source = {"package": entry["package"], **entry["manifest_file"]}
    path = _fetch(name, source, ".json", mirror, say)
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def place(model: str, folder: Path, mirror: Path | None = None) -> str:
    """Copies a model and its manifest into `folder` under one name, and returns that name.

    Args:
        model: Path of a .tflite with its .json beside it, or a name from the zoo.
        folder: Where the firmware will look.
        mirror: Folder to look for models in.

    Raises:
        ZooError: The model cannot be obtained, or has no manifest.
    """
    path = find(model, mirror)
    name = Path(model).stem
    shutil.copyfile(path, folder / f"{name}.tflite")
    target = folder / f"{name}.json"
    if Path(model).exists():
        beside = path.with_suffix(".json")
        if not beside.exists():
            raise ZooError(f"{path}: no manifest {beside.name} beside it")
        shutil.copyfile(beside, target)
    else:
        target.write_text(json.dumps(manifest(model)))
    return name


def files(name: str) -> tuple[bytes, bytes]:
    """Returns the contents of a zoo model's file and of its manifest.

    Raises:
        ZooError: As for `find`.
    """
    return find(name).read_bytes(), json.dumps(manifest(name)).encode()
