# SPDX-License-Identifier: Apache-2.0
"""The interface of all runners of MicroPython scripts, and the error that they raise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from workbench.errors import WorkbenchError
from workbench.paths import FIRMWARE

# Folder of the scripts that the workbench runs itself.
CHECKS = FIRMWARE / "checks"


class RunError(WorkbenchError):
    """A script failed; the message is the board's reason."""


class Runner(Protocol):
    """A MicroPython that runs scripts, without the application."""

    def run(
        self,
        script: Path,
        *arguments: str,
        stdin: bytes = b"",
        files: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """Runs a script and returns what it printed or wrote.

        Args:
            script: In Python.
            arguments: Its sys.argv after the first.
            stdin: Its standard input.
            files: Files by name, which it finds in its current folder.

        Raises:
            RunError: It raised, or there is no room for its input.
            WorkbenchError: MicroPython or a native module cannot be built or emulated.
        """
