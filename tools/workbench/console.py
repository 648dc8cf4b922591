# SPDX-License-Identifier: Apache-2.0
"""The console of an emulated board: what it prints, and its raw REPL."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from workbench.errors import WorkbenchError

RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
CTRL_A, CTRL_C, CTRL_D = b"\x01", b"\x03", b"\x04"
# Resets a board of ours into safe mode, whatever runs on it (firmware/port/uart.c).
BREAK = b"\x1c\x1csafe"
PROMPT_TIMEOUT_S = 10.0
RETRY_S = 1.0


class ConsoleError(WorkbenchError):
    """The board did not print what it should have, or its Python raised."""


class Console:
    """Reads and writes a board's console.

    Args:
        stream: Its bytes.
        check: Raises when the board has ended; called when nothing comes.
    """

    def __init__(self, stream: socket.socket, check: Callable[[], None]) -> None:
        self.stream = stream
        self._check = check
        self._pending = b""

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
            ConsoleError: It did not come in time.
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
            # What starts just now, or interrupts late, may eat one.
            self.send(CTRL_C + CTRL_C + CTRL_A)
            try:
                self.wait_for(RAW_PROMPT, min(RETRY_S, timeout_s))
                break
            except ConsoleError:
                if time.monotonic() > deadline:
                    raise
        self.send(CTRL_D)
        self.wait_for(b"soft reboot")
        self.wait_for(RAW_PROMPT)

    def run(self, code: str, timeout_s: float = 30.0) -> str:
        """Runs Python at the raw REPL and returns what it printed.

        Raises:
            ConsoleError: It raised (the message ends with the traceback), or took too long.
        """
        self.send(code.encode() + CTRL_D)
        self.wait_for(b"OK", timeout_s)
        output = self.wait_for(CTRL_D, timeout_s)[:-1]
        error = self.wait_for(CTRL_D + b">", timeout_s)[:-2]
        if error:
            raise ConsoleError(error.decode(errors="replace").replace("\r\n", "\n"))
        return output.decode(errors="replace").replace("\r\n", "\n")
