# SPDX-License-Identifier: Apache-2.0
"""Runs the scripts of firmware/checks on the linux board, outside the application."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from workbench.build import micropython, zoo
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS, FIRMWARE


class OnboardError(WorkbenchError):
    """A script failed on the board; the message is the board's reason."""


def run(script: str, *arguments: str | Path, stdin: bytes) -> bytes:
    """Runs firmware/checks/SCRIPT.py and returns what it printed.

    Raises:
        OnboardError: It ended with an error.
        micropython.BuildError: The board's image cannot be built.
    """
    done = subprocess.run(
        [micropython.ensure("linux"), FIRMWARE / "checks" / f"{script}.py", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env={"MICROPYPATH": f"{FIRMWARE}:{BOARDS / 'bench'}:.frozen"},
    )
    if done.returncode:
        words = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
        raise OnboardError(f"{script}: {words[-1] if words else 'the board said nothing'}")
    return done.stdout


def place(model: str, folder: Path, mirror: Path | None = None) -> str:
    """Puts a model and its manifest into `folder` under one name, which is returned.

    Args:
        model: Path of a .tflite with its .json beside it, or a name from the zoo.
        folder: Where the board will look.
        mirror: Folder to look for models in.

    Raises:
        zoo.ZooError: The model cannot be had.
        OnboardError: It has no manifest.
    """
    path = zoo.find(model, mirror)
    name = Path(model).stem
    shutil.copyfile(path, folder / f"{name}.tflite")
    manifest = folder / f"{name}.json"
    if Path(model).exists():
        beside = path.with_suffix(".json")
        if not beside.exists():
            raise OnboardError(f"{path}: no manifest {beside.name} beside it")
        shutil.copyfile(beside, manifest)
    else:
        manifest.write_text(json.dumps(zoo.manifest(model)))
    return name
