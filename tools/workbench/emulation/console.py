# SPDX-License-Identifier: Apache-2.0
"""The console of an emulated board: reads its output and drives its raw REPL through mpremote."""

from __future__ import annotations

import contextlib
import io
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from workbench.errors import WorkbenchError

CTRL_C, CTRL_D = b"\x03", b"\x04"
# Resets one of our boards into safe mode, whatever is running on it (firmware/port/uart.c).
BREAK = b"\x1c\x1csafe"
PROMPT_TIMEOUT_S = 10.0
RETRY_S = 1.0


class ConsoleError(WorkbenchError):
    """The board did not print what it should have, or its Python raised."""


class Console:
    """Reads and writes a board's console.

    Args:
        stream: The byte stream of the console.
        check: Raises if the board has ended; called when nothing arrives.
    """

    def __init__(self, stream: socket.socket, check: Callable[[], None]) -> None:
        self.stream = stream
        self._check = check
        self._pending = b""
        self._transport: Any = _Transport(self)

    def send(self, data: bytes) -> None:
        """Types `data`.

        Raises:
            ConsoleError: The board has gone.
        """
        try:
            self.stream.sendall(data)
        except ConnectionError:
            self._check()
            raise ConsoleError("the board has gone") from None

    def wait_for(self, text: bytes, timeout_s: float = PROMPT_TIMEOUT_S) -> bytes:
        """Returns what the board prints, up to the end of `text`.

        Raises:
            ConsoleError: The text was not printed in time.
        """
        seen = self._pending
        deadline = time.monotonic() + timeout_s
        while (at := seen.find(text)) < 0:
            left_s = deadline - time.monotonic()
            self.stream.settimeout(max(left_s, 0.01))
            try:
                data = self.stream.recv(4096) if left_s > 0 else b""
            except (TimeoutError, ConnectionError):
                data = b""
            if not data:
                self._pending = seen
                self._check()
                lines = seen.decode(errors="replace").strip().splitlines()
                raise ConsoleError(
                    f"the board did not print {text.decode()!r} within {timeout_s:g} s; "
                    f"it said: {lines[-1] if lines else 'nothing'}"
                )
            seen += data
        end = at + len(text)
        self._pending = seen[end:]
        return seen[:end]

    def enter_raw_repl(self, timeout_s: float = PROMPT_TIMEOUT_S) -> None:
        """Interrupts what runs and starts a fresh interpreter at its raw REPL.

        Raises:
            ConsoleError: There is no prompt.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            # A starting program or a late interrupt may swallow one Ctrl-C.
            self.send(CTRL_C)
            try:
                # mpremote prints what it received instead of a prompt.
                with contextlib.redirect_stdout(io.StringIO()):
                    self._transport.enter_raw_repl(timeout_overall=min(RETRY_S, timeout_s))
                return
            except TransportError as error:
                if time.monotonic() > deadline:
                    raise ConsoleError(f"the board gives no raw REPL: {error}") from None

    def run(self, code: str, timeout_s: float = 30.0) -> str:
        """Runs Python at the raw REPL and returns what it printed.

        Raises:
            ConsoleError: It raised (the message ends with the traceback), or took too long.
        """
        try:
            output, error = self._transport.exec_raw(code, timeout=timeout_s)
        except TransportError as failure:
            raise ConsoleError(f"the board did not run it: {failure}") from None
        if error:
            raise ConsoleError(error.decode(errors="replace").replace("\r\n", "\n"))
        text: str = output.decode(errors="replace").replace("\r\n", "\n")
        return text

    # The part of pyserial's port that mpremote's transport uses.

    write = send

    def inWaiting(self) -> int:
        """The number of bytes that have arrived."""
        if not self._pending and select.select([self.stream], [], [], 0)[0]:
            self._pending = self._received()
        return len(self._pending)

    def read(self, count: int) -> bytes:
        """Reads that many bytes, waiting for them."""
        while len(self._pending) < count:
            self.stream.settimeout(None)
            self._pending += self._received()
        data, self._pending = self._pending[:count], self._pending[count:]
        return data

    def _received(self) -> bytes:
        try:
            data = self.stream.recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            self._check()
            raise ConsoleError("the board has gone")
        return data


class _Transport(SerialTransport):
    """mpremote's transport on an open stream."""

    def __init__(self, console: Console) -> None:
        self.serial = console
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.mounted = False
        self.is_pty = False
