# SPDX-License-Identifier: Apache-2.0
"""Captures what a radio's host and controller say to each other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bumble.snoop import BtSnooper, Snooper

from workbench.emulation.emulator import EmulatorError


@contextlib.contextmanager
def captured(path: Path | None) -> Iterator[Snooper | None]:
    """Opens a capture in btsnoop's format, a file that is whole after each packet.

    Args:
        path: The file; None captures nothing.

    Raises:
        EmulatorError: It cannot be written.
    """
    if path is None:
        yield None
        return
    try:
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise EmulatorError(f"no capture can be written to {path}: {error.strerror}") from None
    with file:
        yield BtSnooper(file)
