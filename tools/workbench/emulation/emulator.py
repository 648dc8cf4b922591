# SPDX-License-Identifier: Apache-2.0
"""Starts emulated boards as processes, each with a simulation bus, a console and an exit status."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from workbench.build import romfs
from workbench.emulation.bus import Bus
from workbench.emulation.microcontroller import Microcontroller
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS, FIRMWARE

# The ROMFS partition of boards/linux/variant/rom.c.
ROM_BYTES = 0x200000
# As much heap as the firmware could have in an ESP32-S3's PSRAM, plus some for 64-bit objects.
HEAP_BYTES = 8 * 1024 * 1024
STOP_TIMEOUT_S = 3.0
# Signals that stand for a watchdog or a fault, which reset a chip.
FAULTS: dict[int, str] = {
    signal.SIGALRM: "watchdog",
    signal.SIGSEGV: "SIGSEGV",
    signal.SIGBUS: "SIGBUS",
    signal.SIGILL: "SIGILL",
    signal.SIGFPE: "SIGFPE",
    signal.SIGABRT: "SIGABRT",
}


class EmulatorError(WorkbenchError):
    """The emulated board did not start, or ended unexpectedly."""


class Linux:
    """The linux board: MicroPython's unix port running the firmware from this checkout.

    Attributes:
        folder: The folder of its `board.py`.
        make_bus: Makes the workbench's end of its simulation bus.

    Args:
        program: The board's image.
        flash: Folder that stands for the flash. The files in its rom/ go into the ROMFS, the file
            rom.img; an existing rom.img is used unchanged.
        on_console: Called with each line that the board prints.
        keypad: Whether it has keys for digits.
    """

    folder = BOARDS / "linux"
    make_bus: type[Bus] = Bus

    def __init__(
        self, program: Path, flash: Path, on_console: Callable[[str], None], keypad: bool = False
    ) -> None:
        self._program = program
        self._flash = flash
        self._on_console = on_console
        self._keypad = keypad
        self._process: asyncio.subprocess.Process | None = None
        self._console: asyncio.Task[None] | None = None
        self._bus: Bus | None = None

    async def start(self) -> Bus:
        """Starts the board, or restarts it after it has ended; returns its simulation bus.

        Raises:
            EmulatorError: The models do not fit the ROMFS.
        """
        rom = self._flash / "rom.img"
        if not rom.exists():
            content = romfs.of_folder(self._flash / romfs.FOLDER)
            if len(content) > ROM_BYTES:
                raise EmulatorError(
                    f"a ROMFS of {len(content)} bytes; there is room for {ROM_BYTES}"
                )
            rom.write_bytes(content)
        status = self._process.returncode if self._process else None
        fault = FAULTS.get(-(status or 0), "")
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.setblocking(False)
            shared = [BOARDS / "simulation", BOARDS / "linux"]
            path = [FIRMWARE, self.folder, *shared, ".frozen", self._flash]
            environment = {
                **os.environ,
                "MICROPYPATH": ":".join(map(str, path)),
                "GLINT_BUS_FD": str(theirs.fileno()),
                "GLINT_FLASH": str(self._flash),
                "GLINT_FAULT": fault,
                "GLINT_ROM": str(rom),
                "GLINT_KEYPAD": "1" if self._keypad else "",
            }
            self._process = await asyncio.create_subprocess_exec(
                str(self._program),
                "-X",
                f"heapsize={HEAP_BYTES}",
                "-m",
                "glasses.main",
                env=environment,
                cwd=self._flash,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
            )
        self._console = asyncio.create_task(self._read_console(self._process))
        reader, writer = await asyncio.open_connection(sock=ours)
        self._bus = self.make_bus(reader, writer)
        return self._bus

    async def _read_console(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            self._on_console(line.decode(errors="replace").rstrip())

    async def wait(self) -> int:
        """Waits until the board ends and returns its exit status."""
        assert self._process and self._console
        await asyncio.shield(self._console)
        return await self._process.wait()

    def cut_power(self) -> None:
        """Ends the board between two instructions; `start` starts it with what its flash holds."""
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ends the board if it is still running."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                self._process.kill()
        if self._console:
            await self._console
        await self._process.wait()
        if self._bus:
            await self._bus.close()


def emulated(
    board: str,
    program: Path,
    flash: Path,
    on_console: Callable[[str], None],
    keypad: bool = False,
) -> Linux | Microcontroller:
    """Creates the emulator for the board of that name; `keypad`: with keys for digits.

    Raises:
        EmulatorError: Only the linux board has keys.
        QemuError: The board cannot be emulated.
    """
    if board == "linux":
        return Linux(program, flash, on_console, keypad)
    if keypad:
        raise EmulatorError(f"{board} has no keys for digits: the linux board can have some")
    return Microcontroller(board, program, flash, on_console)
