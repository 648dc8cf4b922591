# SPDX-License-Identifier: Apache-2.0
"""A RISC-V microcontroller in QEMU with MicroPython's own port, for native .mpy files to run on."""

from __future__ import annotations

import base64
import contextlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mpremote.romfs import VfsRomWriter

from workbench import build
from workbench.errors import WorkbenchError
from workbench.serialboard import SerialBoard
from workbench.system import Say, provide, say_step

PROGRAM = "qemu-system-riscv32"
OPTIONS = ("-machine", "virt", "-bios", "none", "-display", "none", "-monitor", "none")
START_TIMEOUT_S = 10.0
CHUNK_BYTES = 6144


class Rv32Error(WorkbenchError):
    """QEMU is missing, or did not start."""


@contextlib.contextmanager
def started(say: Say = say_step) -> Iterator[SerialBoard]:
    """Starts the machine; gives its MicroPython at the prompt.

    Raises:
        Rv32Error: QEMU is missing, or did not start.
        WorkbenchError: The image cannot be built.
    """
    if missing := provide([PROGRAM], say):
        raise Rv32Error(missing)
    image = build.ensure("rv32", say)
    with tempfile.TemporaryDirectory(prefix="glint-rv32-") as folder:
        log = Path(folder) / "log"
        command = [PROGRAM, *OPTIONS, "-serial", "pty", "-kernel", str(image)]
        with log.open("w") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            with SerialBoard(_pty(log, process)) as board:
                yield board
        finally:
            process.kill()
            process.wait()


def _pty(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        said = log.read_text(errors="replace")
        if found := re.search(r"redirected to (\S+)", said):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise Rv32Error(f"{PROGRAM} did not start: {log.read_text(errors='replace').strip()}")


def mount(board: SerialBoard, files: Mapping[str, bytes]) -> None:
    """Puts files into the machine's memory, as its current folder /rom.

    Args:
        board: From `started`; it has no flash.
        files: Contents by name.

    Raises:
        serialboard.BoardError: They do not fit.
    """
    writer = VfsRomWriter()
    for name, content in files.items():
        writer.mkfile(name, content)
    image = writer.finalise()
    board.run(f"from binascii import a2b_base64\nimage = bytearray({len(image)})")
    for start in range(0, len(image), CHUNK_BYTES):
        encoded = base64.b64encode(image[start : start + CHUNK_BYTES])
        end = min(start + CHUNK_BYTES, len(image))
        board.run(f"image[{start}:{end}] = a2b_base64({encoded!r})")
    board.run("import os, vfs\nvfs.mount(vfs.VfsRom(image), '/rom')\nos.chdir('/rom')")
