# SPDX-License-Identifier: Apache-2.0
"""Runs scripts on a board in QEMU, and measures its image."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.build import micropython, natmod, romfs
from workbench.emulation import flashimage
from workbench.emulation.console import ConsoleError
from workbench.emulation.microcontroller import flash_image
from workbench.emulation.qemu import Qemu, load_machine
from workbench.runners.runner import CHECKS, RunError
from workbench.system import say_step

RUN_TIMEOUT_S = 600.0
# Both boards load code for this architecture; the Cortex-M55 could load armv7emdp too.
NATIVE_ARCH = "armv7emsp"
# One instruction takes 32 ns of the emulated clock. That is about one tick of SysTick, so single
# instructions can be counted; with shift 0, a tick is 31 instructions.
COUNTING_SHIFT = 5
INSTRUCTION_NS = 1 << COUNTING_SHIFT

# The script finds its arguments and standard streams in the same places as on the linux board. The
# bytes that it writes go over the bus, since the console is for text.
WRAPPER = """
import os, sys, machine
os.chdir("/rom")
class _Out:
    count = 0
    uart = machine.UART(1)
    def write(self, data):
        data = bytes(data)
        self.count += len(data)
        return self.uart.write(data)
class _Streams:
    def __init__(self, buffer):
        self.buffer = buffer
class _Sys:
    argv = {argv!r}
    stdin = _Streams(open("/rom/stdin", "rb"))
    stdout = _Streams(_Out())
    exit = sys.exit
_Out.uart.write(b"{start}")
sys.modules["sys"] = _Sys
exec(open("/rom/script.py").read(), {{"__name__": "__main__"}})
print("\\n" + str(_Sys.stdout.buffer.count))
"""
START = "<output starts>"


def _receive(qemu: Qemu, size: int) -> bytes:
    """Receives the `size` bytes that follow the start mark on the bus."""
    received = b""
    mark = START.encode()
    qemu.bus.settimeout(RUN_TIMEOUT_S)
    while mark not in received or len(received.partition(mark)[2]) < size:
        received += qemu.bus.recv(65536)
    return received.partition(mark)[2]


@dataclass(frozen=True)
class CortexM:
    """A microcontroller board in QEMU.

    Attributes:
        board: Folder below boards/.
        native: Run the image without the C modules, and give it these as native .mpy files.
        counting: Let the emulated clock count instructions.
    """

    board: str
    native: tuple[str, ...] = ()
    counting: bool = False

    def run(
        self,
        script: Path,
        *arguments: str,
        stdin: bytes = b"",
        files: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """As `Runner.run`."""
        machine = load_machine(self.board)
        firmware = micropython.ensure(self.board, bare=bool(self.native))
        modules = {name: natmod.build(name, NATIVE_ARCH, say=say_step) for name in self.native}
        content = {
            "script.py": script.read_bytes(),
            "stdin": stdin,
            **(files or {}),
            **{f"{name}.mpy": path.read_bytes() for name, path in modules.items()},
        }
        with tempfile.TemporaryDirectory(prefix="glint-run-") as folder:
            flash = Path(folder) / "flash.bin"
            rom = romfs.build(content)
            flashimage.create(flash, {}, rom=rom, machine=machine)
            shift = COUNTING_SHIFT if self.counting else None
            with Qemu(self.board, firmware, flash=flash, icount_shift=shift) as qemu:
                qemu.console.enter_raw_repl()
                code = WRAPPER.format(argv=[script.stem, *arguments], start=START)
                try:
                    printed = qemu.console.run(code, RUN_TIMEOUT_S)
                except ConsoleError as error:
                    reason = str(error).strip().splitlines()[-1]
                    raise RunError(f"{script.stem}: {reason}") from None
                text, _, count = printed.rstrip("\n").rpartition("\n")
                return _receive(qemu, int(count)) + text.encode()


@dataclass(frozen=True)
class Bench:
    """What one inference takes on a board.

    Attributes:
        instructions: Of the core; not its cycles.
        arena_bytes: Working memory.
        macs: Multiply-accumulates.
        text_bytes: The model runtime, with all operators.
        profile: Each operator in order, with its instructions and those of reading the clock.
    """

    instructions: int
    arena_bytes: int
    macs: int
    text_bytes: int
    profile: list[tuple[str, int]]


def bench(board: str, model: bytes) -> Bench:
    """Counts the instructions of one inference on an emulated board.

    Args:
        board: Folder below boards/.
        model: A .tflite.

    Raises:
        RunError: The board refused the model, with its reason.
        micropython.BuildError: The image cannot be built.
        qemu.QemuError: It cannot be emulated.
    """
    counting = CortexM(board, counting=True)
    files = {"model.tflite": model}
    said = counting.run(CHECKS / "model_bench.py", "model.tflite", files=files)
    result = json.loads(said)
    us = 1000 / INSTRUCTION_NS
    return Bench(
        instructions=round(result["cycles"] / result["cycles_per_us"] * us),
        arena_bytes=result["arena_bytes"],
        macs=result["macs"],
        text_bytes=tflm_text_bytes(board),
        profile=[(name, round(took_us * us)) for name, took_us in result["profile_us"]],
    )


@dataclass(frozen=True)
class Image:
    """The memory that a board's image takes, in bytes.

    Attributes:
        text: Code and constants.
        data: Initialised variables.
        bss: Zeroed variables, without stack and heap.
        tflm_text: The model runtime's part of `text`, before the linker drops anything.
        stack_peak: Peak use of the C stack, with an inference of each model.
        heap_used: Used heap with the application and its models loaded, after a collection.
        heap_free: The rest of the heap.
    """

    text: int
    data: int
    bss: int
    tflm_text: int
    stack_peak: int
    heap_used: int
    heap_free: int


def _sizes(*files: Path) -> list[tuple[int, int, int]]:
    """Returns text, data and bss of each object file."""
    done = subprocess.run(
        ["arm-none-eabi-size", *map(str, files)], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in done.stdout.splitlines()[1:])
    return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]


def tflm_text_bytes(board: str) -> int:
    """Returns the size of code and constants of the model runtime in a board's build."""
    objects = sorted((micropython.load_board(board).output / "tflm").rglob("*.o"))
    return sum(text for text, _, _ in _sizes(*objects)) if objects else 0


def sections(board: str) -> dict[str, int]:
    """The sizes of the sections of a board's image, by name."""
    listed = subprocess.run(
        ["arm-none-eabi-size", "-A", str(micropython.ensure(board))],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split() for line in listed.stdout.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".")}


# Loads what the application loads before it waits for its radio, and runs each model once.
LOAD_APPLICATION = """
import gc, machine, board
from glasses import app, config
from glasses.perception import loop, vision, wake
settings, _ = config.load("/config.json")
detectors = [wake.load("/models", word) for word in settings["words"]]
heard = loop.Perception(board.mic, detectors)
models = [detector.model for detector in detectors]
try:
    models.append(vision.load("/models", settings["vision"], board.slice_macs).model)
except OSError:
    pass  # it was not to be had
for model in models:
    model.invoke()
gc.collect()
print(machine.stack_peak(), gc.mem_alloc(), gc.mem_free())
"""


def measure_image(board: str, files: Path) -> Image:
    """Measures a board's image, and its memory at run time.

    Args:
        board: Folder below boards/.
        files: Folder with what its flash holds, as `glint sim` sets it up.

    Raises:
        RunError: The application did not load.
        micropython.BuildError: The image cannot be built.
        qemu.QemuError: It cannot be emulated.
    """
    size = sections(board)
    with tempfile.TemporaryDirectory(prefix="glint-run-") as folder:
        flash = Path(folder) / "flash.bin"
        flash_image(files, flash, load_machine(board))
        with Qemu(board, micropython.ensure(board), flash=flash) as qemu:
            try:
                qemu.console.enter_raw_repl()
                said = qemu.console.run(LOAD_APPLICATION).split()
            except ConsoleError as error:
                raise RunError(str(error).strip().splitlines()[-1]) from None
    stack_peak, heap_used, heap_free = map(int, said)
    return Image(
        text=size[".text"] + size.get(".ARM.exidx", 0),
        data=size[".data"],
        bss=size[".bss"],
        tflm_text=tflm_text_bytes(board),
        stack_peak=stack_peak,
        heap_used=heap_used,
        heap_free=heap_free,
    )
