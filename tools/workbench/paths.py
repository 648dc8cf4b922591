# SPDX-License-Identifier: Apache-2.0
"""Where things lie in a checkout."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
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
