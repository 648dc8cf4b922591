# SPDX-License-Identifier: Apache-2.0
"""Runs microcontroller boards in QEMU, with a flash file, a console and a simulation bus."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from workbench.emulation.buslink import SHARED_BYTES, BusLink
from workbench.emulation.console import Console
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS
from workbench.system import provide

PROGRAM = "qemu-system-arm"
# From this version on, which Debian 12 has, Helium is complete and tested here.
VERSION_MIN = (7, 2)
START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 3.0
CHECK_S = 0.05
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class QemuError(WorkbenchError):
    """QEMU is missing, too old or failed, or the firmware in it did not start."""


@dataclass(frozen=True)
class Machine:
    """The qemu part of a board.toml.

    Attributes:
        machine: QEMU's name for it.
        memory_bytes: Size of the memory whose start is the flash; QEMU requires exactly this size.
        flash_bytes: Size of the flash, and of its file.
        files_bytes: Size of the file system at its start.
        seed_address: Where 64 random bits go at each reset.
    """

    machine: str
    memory_bytes: int
    flash_bytes: int
    files_bytes: int
    seed_address: int


def load_machine(board: str) -> Machine:
    """Reads boards/BOARD/board.toml.

    Raises:
        QemuError: There is no such board, or QEMU does not emulate it.
    """
    path = BOARDS / board / "board.toml"
    table: dict[str, Any] = tomllib.loads(path.read_text()) if path.exists() else {}
    if "qemu" not in table:
        raise QemuError(f"board '{board}' is not one that QEMU emulates")
    return Machine(**table["qemu"])


def check_program() -> None:
    """Makes sure that a QEMU that supports our boards is installed.

    Raises:
        QemuError: There is none and it may not be installed from here, or it is too old.
    """
    if missing := provide([PROGRAM]):
        raise QemuError(missing)
    shown = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"version (\d+)\.(\d+)", shown.stdout)
    if found is None:
        raise QemuError(f"{PROGRAM} does not tell its version; is it QEMU? It said: {shown.stdout}")
    if (int(found[1]), int(found[2])) < VERSION_MIN:
        wanted = ".".join(map(str, VERSION_MIN))
        raise QemuError(
            f"{PROGRAM} is version {found[1]}.{found[2]}, which cannot emulate these boards: "
            f"install QEMU {wanted} or later"
        )


class FlashFile:
    """A flash chip's content on the host, which one emulator at a time may use.

    Args:
        path: The file; it is created when it is not there.
        machine: The machine that the flash belongs to.
    """

    def __init__(self, path: Path, machine: Machine) -> None:
        self.path = path
        self._machine = machine
        self._file: IO[bytes] | None = None

    def open(self) -> int:
        """Locks the file and extends it to the size that QEMU requires. Returns its descriptor.

        Raises:
            QemuError: It is in use, no flash of this board, or there is no room for it.
        """
        size = self._machine.flash_bytes
        try:
            file = self.path.open("r+b" if self.path.exists() else "w+b")
        except OSError as error:
            raise QemuError(self._explain(error)) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            now = os.fstat(file.fileno()).st_size
            # A file as large as the memory was left behind by a workbench that was killed.
            if now not in (0, size, self._machine.memory_bytes):
                raise QemuError(
                    f"{self.path} has {now} bytes and is no flash of this board, which has {size}: "
                    "name another file, or remove it to start with an empty flash"
                )
            # QEMU crashes if it writes to a mapped file for which the disk has no room.
            os.posix_fallocate(file.fileno(), 0, size + SHARED_BYTES)
            os.ftruncate(file.fileno(), self._machine.memory_bytes)
        except OSError as error:
            file.close()
            raise QemuError(self._explain(error)) from None
        except QemuError:
            file.close()
            raise
        self._file = file
        return file.fileno()

    def _explain(self, error: OSError) -> str:
        if error.errno == errno.EWOULDBLOCK:
            return f"{self.path} is the flash of an emulator that is running: stop that one first"
        if error.errno == errno.ENOSPC:
            megabytes = self._machine.flash_bytes >> 20
            return f"{self.path}: no room on the disk for the flash of {megabytes} MB"
        return f"{self.path}: {os.strerror(error.errno or 0)}"

    def close(self) -> None:
        """Restores the file's own size and unlocks it."""
        if self._file is None:
            return
        with self._file as file:
            os.ftruncate(file.fileno(), self._machine.flash_bytes)
        self._file = None


class Qemu:
    """One emulated board, as a context manager or with `start` and `stop`.

    QEMU ends with the thread that started it, however that ends.

    Attributes:
        console: The first UART (unless it is a pty).
        console_path: The pty's device, with `pty`; `mpremote connect` takes it.
        bus: Stream of the simulation bus; see `on_reopened`. Closing it does not end the board,
            which then waits.

    Args:
        board: Folder below boards/.
        firmware: The image, an ELF file.
        flash: File that holds the flash; None uses a temporary one.
        pty: Give the console as a pseudo-terminal.
        icount_shift: Makes one instruction take 2 ** shift ns of the emulated clock, which then no
            longer follows real time.
    """

    console: Console
    console_path: str

    def __init__(
        self,
        board: str,
        firmware: Path,
        *,
        flash: Path | None = None,
        pty: bool = False,
        icount_shift: int | None = None,
    ) -> None:
        self.machine = load_machine(board)
        self._firmware = firmware
        self._flash = flash
        self._pty = pty
        self._icount_shift = icount_shift
        self._cleanup = contextlib.ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Qemu:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the machine.

        Raises:
            QemuError: QEMU or the flash file is not usable; nothing is left running.
        """
        check_program()
        with contextlib.ExitStack() as cleanup:
            self._start(cleanup)
            self._cleanup = cleanup.pop_all()

    def _start(self, cleanup: contextlib.ExitStack) -> None:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="glint-qemu-")))
        flash = FlashFile(self._flash or folder / "flash.bin", self.machine)
        flash_descriptor = flash.open()
        cleanup.callback(flash.close)
        ends = contextlib.ExitStack()
        with ends:
            doorbell, bus_end = self._stream(cleanup, ends)
            link = BusLink(flash_descriptor, self.machine.flash_bytes, doorbell)
            cleanup.callback(link.close)
            self._link = link
            inherited = [flash_descriptor, bus_end]
            console = "pty,id=console"
            if not self._pty:
                stream, console_end = self._stream(cleanup, ends)
                self.console = Console(stream, self.check)
                inherited.append(console_end)
                console = f"socket,id=console,fd={console_end}"
            options = {
                "-machine": f"{self.machine.machine},memory-backend=flash",
                "-object": "memory-backend-file,id=flash,share=on,"
                f"size={self.machine.memory_bytes},mem-path={flash.path}",
                "-device": f"loader,addr={self.machine.seed_address},data-len=8,"
                f"data={secrets.randbits(64)}",
                "-kernel": str(self._firmware),
                "-display": "none",
                "-monitor": "none",
            }
            if self._icount_shift is not None:
                options["-icount"] = f"shift={self._icount_shift},sleep=off"
            command = [PROGRAM, *(word for option in options.items() for word in option)]
            command += ["-chardev", console, "-serial", "chardev:console"]
            command += ["-chardev", f"socket,id=bus,fd={bus_end}", "-serial", "chardev:bus"]
            self._log = folder / "qemu.log"
            with self._log.open("wb") as log:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=inherited,
                    preexec_fn=_die_with_parent,
                )
            cleanup.callback(self._end_process)
        if self._pty:
            self.console_path = self._wait_for_pty()

    def _stream(
        self, cleanup: contextlib.ExitStack, ends: contextlib.ExitStack
    ) -> tuple[socket.socket, int]:
        """Creates a stream to the machine: our socket, and the descriptor of QEMU's."""
        ours, theirs = socket.socketpair()
        cleanup.callback(ours.close)
        ends.callback(theirs.close)
        return ours, theirs.fileno()

    def _wait_for_pty(self) -> str:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            found = re.search(r"redirected to (\S+)", self._log.read_text(errors="replace"))
            if found:
                return found[1]
            self.check()
            time.sleep(0.02)
        raise QemuError(f"{PROGRAM} gave no pseudo-terminal within {START_TIMEOUT_S:.0f} s")

    @property
    def bus(self) -> socket.socket:
        return self._link.stream

    def on_reopened(self, act: Callable[[], None]) -> None:
        """Gives the bus a new stream each time that the board opens it, as after a reset.

        Args:
            act: Called when a stream has ended and `bus` is a new one, in a thread of the bus.
        """
        self._link.on_reopened = act

    def check(self) -> None:
        """Raises QemuError when QEMU has ended, with what it said."""
        assert self.process
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(CHECK_S)  # QEMU's streams end a little before its process
            lines = self._log.read_text(errors="replace").strip().splitlines()
            words = lines[0] if lines else f"exit status {status}"
            raise QemuError(f"{PROGRAM} ended: {words}")

    def kill(self) -> None:
        """Cuts the power: QEMU ends between two instructions, with what the flash holds by then."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def _end_process(self) -> None:
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self) -> None:
        """Ends QEMU if it is still running, and releases the flash file."""
        self._cleanup.close()


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
