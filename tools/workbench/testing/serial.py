# SPDX-License-Identifier: Apache-2.0
"""A board on a serial port, with the application if `glint deploy` put it there.

Tests cannot give its peripherals input, and reach it by Bluetooth if this machine has an adapter.
"""

from __future__ import annotations

import re
from typing import Self

import glint

from workbench.device.serialboard import SerialBoard
from workbench.testing.base import Real


class OnSerialPort(Real):
    """A board on a serial port."""

    abilities = frozenset({"serial", "bluetooth"})

    def __init__(self, port: str) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        with self.at_prompt() as there:
            found = re.search(r'(?m)^name = "(\w+)"', there.run("print(open('board.py').read())"))
            self.board = found[1] if found else ""
            there.restart()
        return self

    def at_prompt(self) -> SerialBoard:
        """The board, stopped at its prompt, for `with`."""
        return SerialBoard(self._port)

    def connect(self) -> glint.Glasses:
        return glint.connect()
