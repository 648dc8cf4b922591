# SPDX-License-Identifier: Apache-2.0
"""Runs a board in QEMU for the simulator, with a simulation bus, a console and an exit status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from workbench.build import romfs
from workbench.emulation import flashimage
from workbench.emulation.bus import Bus
from workbench.emulation.qemu import Machine, Qemu

# What MicroPython prints once no script runs any more.
BANNER = "MicroPython v"
STATUS_ENDED = 1
# littlefs needs a few free blocks to write anything at all.
FREE_BYTES_MIN = 8 * flashimage.BLOCK_BYTES
# `wait` returns this for a board that has reset itself, and such a board's process exits with it.
STATUS_RESET = 75


def flash_image(folder: Path, path: Path, machine: Machine) -> None:
    """Creates a starting board's flash from `folder`: configuration, own modules, models, ROMFS.

    Raises:
        FlashImageError: They do not fit.
    """
    files = [*folder.glob("*.json"), *folder.glob("*.py"), *folder.glob("models/*")]
    content = {str(file.relative_to(folder)): file.read_bytes() for file in files}
    rom = romfs.of_folder(folder / romfs.FOLDER)
    flashimage.create(path, content, machine=machine, rom=rom)


class Microcontroller:
    """A board in QEMU running the firmware that is in its image.

    Args:
        board: Folder below boards/.
        program: The board's image.
        flash: Folder with what the flash holds at first (`flash_image`). The flash itself is the
            file flash.bin there, which is used as it is when there is one.
        on_console: Called with each line that the board prints.
    """

    def __init__(
        self, board: str, program: Path, flash: Path, on_console: Callable[[str], None]
    ) -> None:
        self._image = flash / "flash.bin"
        self._folder = flash
        self._qemu = Qemu(board, program, flash=self._image)
        self._on_console = on_console
        self._console: asyncio.Task[int] | None = None
        self._reset = asyncio.Event()
        self._power_cut = False
        self._bus: Bus | None = None

    async def start(self) -> Bus:
        """Starts the board, or continues after a reset or power cut; returns its simulation bus.

        Raises:
            QemuError: QEMU or the flash is not usable.
            FlashImageError: The models do not fit the flash.
        """
        if self._power_cut:
            self._power_cut = False
            self._console = None
            await asyncio.to_thread(self._qemu.stop)
        if not self._console:
            if not self._image.exists():
                flash_image(self._folder, self._image, self._qemu.machine)
            self._check_flash()
            # In this thread: QEMU dies with the thread that started it.
            self._qemu.start()
            self._loop = asyncio.get_running_loop()
            self._qemu.on_reopened(self._on_reopened)
            self._console = asyncio.create_task(self._read_console())
        self._reset.clear()
        reader, writer = await asyncio.open_connection(sock=self._qemu.bus)
        self._bus = Bus(reader, writer)
        return self._bus

    def _on_reopened(self) -> None:
        self._loop.call_soon_threadsafe(self._reset.set)

    def _check_flash(self) -> None:
        machine = self._qemu.machine
        if self._image.stat().st_size != machine.flash_bytes:
            return  # the emulator says what is wrong with it
        free = flashimage.check(self._image, machine=machine)
        if free < FREE_BYTES_MIN:
            self._on_console(
                f"flash: {free} bytes are free, too few for bonds and updates: remove files from "
                f"the board, or {self._image} to start with an empty flash"
            )

    async def _read_console(self) -> int:
        reader, writer = await asyncio.open_connection(sock=self._qemu.console.stream)
        try:
            async for line in reader:
                text = line.decode(errors="replace").rstrip()
                self._on_console(text)
                if text.startswith(BANNER):
                    return STATUS_ENDED
            assert self._qemu.process
            return await asyncio.to_thread(self._qemu.process.wait)
        finally:
            writer.close()

    async def wait(self) -> int:
        """Waits for the end of the firmware or the emulator, or a reset; returns which."""
        assert self._console
        reset = asyncio.create_task(self._reset.wait())
        try:
            await asyncio.wait({self._console, reset}, return_when="FIRST_COMPLETED")
        finally:
            reset.cancel()
        return self._console.result() if self._console.done() else STATUS_RESET

    def cut_power(self) -> None:
        """Ends the board between two instructions; `start` starts it with what its flash holds."""
        self._power_cut = True
        self._qemu.kill()

    async def stop(self) -> None:
        """Ends the board if it is still running."""
        if self._console:
            self._console.cancel()
            await asyncio.gather(self._console, return_exceptions=True)
        if self._bus:
            await self._bus.close()
        await asyncio.to_thread(self._qemu.stop)
