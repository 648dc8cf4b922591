# SPDX-License-Identifier: Apache-2.0
"""Where things lie in a checkout."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The release of MicroPython that is built, one of workbench.sources.RELEASES. What is made with
# another than the usual one lies in a folder of its own.
USUAL_MICROPYTHON = "1.25.0"
MICROPYTHON = os.environ.get("GLINT_MICROPYTHON_VERSION") or USUAL_MICROPYTHON
BUILD = ROOT / "build"
if MICROPYTHON != USUAL_MICROPYTHON:
    BUILD /= f"with-{MICROPYTHON}"
FIRMWARE = ROOT / "firmware"
MODULES = FIRMWARE / "modules"
BOARDS = ROOT / "boards"
MODELS = ROOT / "models"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other processes out of what a lock file stands for, such as the build folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
