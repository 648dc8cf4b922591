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

from workbench import build, natmod
from workbench.errors import WorkbenchError
from workbench.serialboard import SerialBoard
from workbench.system import Say, provide, say_step

PROGRAM = "qemu-system-riscv32"
OPTIONS = ("-machine", "virt", "-bios", "none", "-display", "none", "-monitor", "none")
START_TIMEOUT_S = 10.0
CHUNK_BYTES = 4096


RUN_MODEL = """
from binascii import b2a_base64
import tflm
with open("model.tflite", "rb") as file:
    model = tflm.Model(file.read())
inputs = [model.input(i) for i in range(len(model.inputs))]
outputs = [model.output(i) for i in range(len(model.outputs))]
with open("inputs", "rb") as file:
    more = True
    while more:
        for view in inputs:
            more = file.readinto(view)
        if more:
            model.invoke()
            for view in outputs:
                print(b2a_base64(bytes(view)).decode(), end="")
"""
RUN_TIMEOUT_S = 300


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
    board.run(f"image = bytearray({len(image)})")
    for start in range(0, len(image), CHUNK_BYTES):
        end = min(start + CHUNK_BYTES, len(image))
        board.run(f"image[{start}:{end}] = {board.packed(image[start:end])}")
    board.run("import os, vfs\nvfs.mount(vfs.VfsRom(image), '/rom')\nos.chdir('/rom')")


def run_model(model: bytes, inputs: bytes, say: Say = say_step) -> bytes:
    """Runs inferences one after another with the native module; gives their outputs.

    Args:
        model: A .tflite file.
        inputs: Tensor bytes of one or more inferences.
        say: Told what is going on.

    Raises:
        WorkbenchError: Something is missing, or the model cannot be run.
    """
    module = natmod.build("tflm", "rv32imc", say=say).read_bytes()
    with started(say) as board:
        mount(board, {"tflm.mpy": module, "model.tflite": model, "inputs": inputs})
        lines = board.run(RUN_MODEL, RUN_TIMEOUT_S).split()
    return b"".join(base64.b64decode(line) for line in lines)
