# SPDX-License-Identifier: Apache-2.0
"""`python docs/demo_picture.py FILE.svg [CAMERA]`: runs the demo and draws its last frame."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from workbench.demo import run
from workbench.demo.view import LiveView

WIDTH_COLUMNS = 100


def main(target: str, camera: str | None = None) -> None:
    """Draws the demo's last frame into `target`; the camera sees the pictures of `camera`."""
    picture = Path(target).absolute()
    scenes = Path(camera).absolute() if camera else None
    view = LiveView()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), view:
        asyncio.run(run.run("linux", view, camera=scenes, mirror=None, output=Path("demo")))
    console = Console(record=True, width=WIDTH_COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(view.frame(running=False))
    console.save_svg(str(picture), title="glint demo")


if __name__ == "__main__":
    main(*sys.argv[1:])
