# SPDX-License-Identifier: Apache-2.0
"""The paths of Glint's folders, in a checkout or in an installed package."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def _cache_folder() -> Path:
    import platformdirs  # the Makefile runs without it, in a checkout

    return Path(os.environ.get("GLINT_CACHE") or platformdirs.user_cache_dir("glint"))


PACKAGE = Path(__file__).resolve().parent
# The parts of its checkout that a wheel carries, and ready-made native modules.
DATA = PACKAGE / "data"
NATIVE = DATA / "native"
ROOT = DATA if DATA.is_dir() else PACKAGE.parents[1]
# The release of MicroPython to build, one of workbench.sources.RELEASES. Builds with any other than
# the default release go to a folder of their own.
USUAL_MICROPYTHON = "1.25.0"
MICROPYTHON = os.environ.get("GLINT_MICROPYTHON_VERSION") or USUAL_MICROPYTHON
BUILD = (_cache_folder() if DATA.is_dir() else ROOT) / "build"
if MICROPYTHON != USUAL_MICROPYTHON:
    BUILD /= f"with-{MICROPYTHON}"
FIRMWARE = ROOT / "firmware"
MODULES = FIRMWARE / "modules"
BOARDS = ROOT / "boards"
MODELS = ROOT / "models"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock file, which guards for example the build folder against other processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def board_folder(board: str) -> Path:
    """Returns the folder of a board: one of ours by name, or your own by a path with a slash."""
    return Path(board).resolve() if "/" in board else BOARDS / board
