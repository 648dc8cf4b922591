# SPDX-License-Identifier: Apache-2.0
"""Emulated hardware that several test files start."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def rom_loader(folder: Path, *options: str) -> Iterator[Path]:
    """Starts an emulated chip in download mode; gives the path of its port.

    The file that stands for its flash is "flash" in the folder and outlives it; what it had to
    say of faults is in "log".
    """
    port = folder / "tty"
    command = [sys.executable, "-m", "workbench.romloader", "--pty", str(port)]
    command += ["--flash", str(folder / "flash"), *options]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("romloader: "), line
        yield port
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
