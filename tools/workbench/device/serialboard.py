# SPDX-License-Identifier: Apache-2.0
"""Controls a board with MicroPython on a serial port, through mpremote's transport."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial import SerialException
from serial.tools import list_ports

from workbench.errors import WorkbenchError

# Architectures by the value of sys.implementation._mpy >> 10 (MicroPython's py/persistentcode.h).
NATIVE_ARCHS = (
    *("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc"),
)
WRITE_CHUNK_BYTES = 4096
# The compression window is as large as the chunk that is packed at once.
WINDOW_BITS = 12
PROMPT_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 60
# Time until a starting board is back on its native USB.
RETURN_TIMEOUT_S = 5

FACTS = """
import gc, json, os, sys
gc.collect()
builtin = []
for name in ("micdsp", "tflm", "bluetooth", "camera"):
    try:
        if not hasattr(__import__(name), "__file__"):
            builtin.append(name)
    except ImportError:
        pass
space = os.statvfs("/")
print(json.dumps({"machine": sys.implementation[2],
    "version": ".".join(str(part) for part in sys.implementation[1][:3]),
    "mpy": getattr(sys.implementation, "_mpy", 0), "builtin": builtin,
    "heap_free": gc.mem_free(), "disk_free": space[0] * space[3], "disk": space[0] * space[2]}))
"""


UNPACK = f"""
from binascii import a2b_base64 as unpacked
try:
    from deflate import RAW, DeflateIO
    from io import BytesIO
    plain = unpacked
    unpacked = lambda data: DeflateIO(BytesIO(plain(data)), RAW, {WINDOW_BITS}).read()
    print(True)
except ImportError:
    print(False)
"""


class BoardError(WorkbenchError):
    """The board on a serial port did not do what was asked; the message says what to do."""


class NoPromptError(BoardError):
    """The port exists, but no MicroPython answers on it."""


@dataclass(frozen=True)
class Facts:
    """What a board says about itself.

    Attributes:
        machine: Its name and chip.
        version: MicroPython's version.
        arch: Architecture of native .mpy files that it takes, or "".
        mpy_version: Version of .mpy files that it takes.
        builtin: Those of our modules and drivers that its image has built in.
        heap_free: Free bytes of the heap.
        disk_free: Bytes of its file system that are free.
        disk: Bytes of its file system.
    """

    machine: str
    version: str
    arch: str
    mpy_version: int
    builtin: tuple[str, ...]
    heap_free: int
    disk_free: int
    disk: int


def ports() -> str:
    """The machine's serial ports in words, for messages."""
    known: Any = list_ports
    found = [f"{port.device} ({port.description})" for port in known.comports()]
    return ", ".join(found) if found else "none is there: plug the board in with a data cable"


def check_port(port: str) -> None:
    """Raises BoardError when there is no such port."""
    if port.startswith("/") and not Path(port).exists():
        raise BoardError(f"there is no port {port}; ports: {ports()}")


def plugged_in() -> list[str]:
    """The serial ports on USB, where boards are; other ports belong to the machine itself."""
    known: Any = list_ports
    return sorted(port.device for port in known.comports() if port.vid is not None)


def the_port(named: str | None) -> str:
    """Returns the port to use: the named one, or that of the only board plugged in.

    Raises:
        BoardError: There is no such port; or none is named, and there is no board or several.
    """
    if named is not None:
        check_port(named)
        return named
    found = plugged_in()
    if not found:
        raise BoardError(
            "no board is plugged in: use a data cable, or name its port with --port; "
            f"ports: {ports()}"
        )
    if len(found) > 1:
        raise BoardError(
            f"several boards may be plugged in: name one with --port; ports: {ports()}"
        )
    return found[0]


class SerialBoard:
    """A board's MicroPython, halted at its raw REPL, as a context manager.

    Args:
        port: Serial port.
    """

    def __init__(self, port: str) -> None:
        self.port = port
        self._transport: Any = None
        self._inflates: bool | None = None

    def __enter__(self) -> SerialBoard:
        check_port(self.port)
        said = io.StringIO()
        try:
            # mpremote prints what a board says instead of a prompt.
            with contextlib.redirect_stdout(said):
                self._transport = SerialTransport(self.port)
                # On a pty mpremote reads without checking whether there is anything to read.
                self._transport.serial.timeout = PROMPT_TIMEOUT_S
                self._transport.enter_raw_repl(timeout_overall=PROMPT_TIMEOUT_S)
        except (TransportError, SerialException, OSError) as error:
            if self._transport is not None:
                self._close()
            raise self._explain_entry(str(error), said.getvalue()) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(TransportError, SerialException, OSError):
            self._transport.exit_raw_repl()
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(SerialException, OSError):
            self._transport.close()

    def _explain_entry(self, reason: str, said: str) -> BoardError:
        if "ermission denied" in reason:
            return BoardError(
                f"you may not open {self.port}; run: sudo usermod -aG dialout $USER, log in again"
            )
        if "failed to access" in reason:
            return BoardError(f"{self.port} is open in another program; close that first")
        if "rst:0x" in said or "invalid header" in said:
            return NoPromptError(
                f"the board on {self.port} starts again and again; write MicroPython into it with: "
                f"glint flash --port {self.port}"
            )
        if "could not enter" in reason:
            return NoPromptError(
                f"no MicroPython answers on {self.port}; press the board's RESET button and try "
                f"again, or write MicroPython into it with: glint flash --port {self.port}"
            )
        return BoardError(f"{self.port} went away; plug the board in again and repeat the command")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except TransportExecError as error:
            last = error.error_output.strip().splitlines()[-1:]
            text = last[0] if last else "no reason given"
            if "ENOSPC" in text or text == "OSError: 28":
                text = "its file system is full; remove files or name fewer models"
            raise BoardError(f"the board on {self.port}: {text}") from None
        except (TransportError, SerialException, OSError) as error:
            raise BoardError(
                f"{self.port} went away ({error}); plug the board in again and repeat the command"
            ) from None

    def run(self, code: str, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
        """Runs Python on the board and returns what it printed.

        Raises:
            BoardError: It raised, its file system is full, or the board went away.
        """
        with self._explained():
            try:
                output, error = self._transport.exec_raw(code, timeout=timeout_s)
            except TransportError as late:
                if "timeout" not in str(late):
                    raise
                with contextlib.suppress(TransportError, SerialException, OSError):
                    self._transport.enter_raw_repl(False, PROMPT_TIMEOUT_S)
                raise BoardError(
                    f"the board on {self.port} gave no answer in {timeout_s:g} s"
                ) from None
            if error:
                raise TransportExecError(output, error.decode(errors="replace"))
        text: str = output.decode(errors="replace")
        return text

    def restart(self) -> None:
        """Resets the board, so that it runs its main.py; whatever it was running ends.

        Raises:
            BoardError: The board went away before.
        """
        # mpremote prints what a board says instead of a prompt.
        with self._explained(), contextlib.redirect_stdout(io.StringIO()):
            self._transport.enter_raw_repl(soft_reset=False)
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")

    def facts(self) -> Facts:
        """Asks the board what it is.

        Raises:
            BoardError: As `run`.
        """
        said = json.loads(self.run(FACTS))
        mpy = said["mpy"]
        arch = mpy >> 10
        return Facts(
            machine=said["machine"],
            version=said["version"],
            arch=NATIVE_ARCHS[arch] if arch < len(NATIVE_ARCHS) else "",
            mpy_version=mpy & 0xFF,
            builtin=tuple(said["builtin"]),
            heap_free=said["heap_free"],
            disk_free=said["disk_free"],
            disk=said["disk"],
        )

    def packed(self, data: bytes) -> str:
        """Returns a short Python expression that evaluates to these bytes on the board.

        Raises:
            BoardError: As `run`.
        """
        if self._inflates is None:
            self._inflates = self.run(UNPACK).strip() == "True"
        if self._inflates:
            packer = zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS)
            data = packer.compress(data) + packer.flush()
        return f"unpacked({base64.b64encode(data)!r})"

    def write(self, path: str, data: bytes) -> None:
        """Writes a file.

        Raises:
            BoardError: The file system is full, or the board went away.
        """
        for start in range(0, max(len(data), 1), WRITE_CHUNK_BYTES):
            chunk = self.packed(data[start : start + WRITE_CHUNK_BYTES])
            mode = "ab" if start else "wb"
            self.run(f"with open({path!r}, {mode!r}) as f:\n f.write({chunk})")


@contextlib.contextmanager
def stopped(port: str) -> Iterator[SerialBoard]:
    """Holds a board at its prompt; its application restarts afterwards, even after an error.

    Raises:
        BoardError: It gives no prompt, or went away before it could start.
    """
    with SerialBoard(port) as board:
        try:
            yield board
        except BaseException:
            with contextlib.suppress(BoardError):
                board.restart()
            raise
        board.restart()


def starts(port: str) -> bool:
    """Whether MicroPython answers on a port, once the board has reappeared on it.

    A chip that was put into its ROM loader by hand stays there after it has been written to.
    """
    until = time.monotonic() + RETURN_TIMEOUT_S
    while True:
        try:
            with SerialBoard(port):
                return True
        except NoPromptError:
            return False
        except BoardError:  # the port is gone: native USB disappears while the chip resets
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
