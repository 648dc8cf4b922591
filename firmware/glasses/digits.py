# SPDX-License-Identifier: Apache-2.0
"""Pairing with digits, on boards that can show or take some: nobody can stand between then.

A companion that shows digits too is compared with: a press of the button says that they are the
same. One that only takes digits is given those that the board shows, and one that only shows some
has them typed on the board's keys. With one that can do none of this nothing would be proved, and
such a bond does not count. Boards that can neither show nor take digits pair with whoever is there,
which Bluetooth calls Just Works.
"""

import os

from micropython import const

# BLE_HS_IO_* of NimBLE's ble_hs.h. Whatever shows digits has the button to say yes with.
_IO_DISPLAY_YES_NO = const(1)
_IO_KEYBOARD_ONLY = const(2)
_IO_NO_INPUT_OUTPUT = const(3)
_IO_KEYBOARD_DISPLAY = const(4)
# MP_BLUETOOTH_PASSKEY_ACTION_* of MicroPython's extmod/modbluetooth.h.
_ACTION_INPUT = const(2)
_ACTION_DISPLAY = const(3)
_ACTION_NUMERIC_COMPARISON = const(4)

DIGITS = 6


class Digits:
    """What a pairing asks of the wearer.

    Attributes:
        method: How the glasses pair, in SPEC.md's words.
    """

    def __init__(self, board):
        """`board` is the board's `digits`; None if it has none.

        It shows some if it has `show(text)`, "" for nothing, and takes some if it has `on_typed`,
        which it calls with the text that was typed on its keys.
        """
        self._shows = hasattr(board, "show")
        self._takes = hasattr(board, "on_typed")
        self.method = "digits" if self._shows or self._takes else "just works"
        self._board = board
        self._ble = None
        self._asks = None  # the connection whose digits wait for the wearer, and for what
        if self._takes:
            board.on_typed = self.typed

    def start(self, ble):
        """Tells the stack what the board can do."""
        self._ble = ble
        io = _IO_NO_INPUT_OUTPUT
        if self._takes:
            io = _IO_KEYBOARD_DISPLAY if self._shows else _IO_KEYBOARD_ONLY
        elif self._shows:
            io = _IO_DISPLAY_YES_NO
        ble.config(mitm=io != _IO_NO_INPUT_OUTPUT, io=io)

    def enough(self, authenticated):
        """Whether a link, `authenticated` or not, is secure enough for this board."""
        return bool(authenticated) or not (self._shows or self._takes)

    def choose(self, connection, action, number):
        """The number that the stack asks the wearer about; chosen here if the glasses are to.

        To be called in the stack's event, where the stack may be called.
        """
        if action == _ACTION_DISPLAY:
            number = int.from_bytes(os.urandom(4), "little") % 10**DIGITS
            self._answer(connection, action, number)
        return number

    def ask(self, connection, action, number):
        """Shows the number, or waits for what the wearer says to it."""
        if action == _ACTION_INPUT:
            self._asks = connection, action
            return
        if action == _ACTION_NUMERIC_COMPARISON:
            self._asks = connection, action
        if self._shows:
            self._board.show("%06d" % number)

    def button(self, pressed):
        """The wearer pressed the button: the digits are equal."""
        if pressed and self._asks is not None and self._asks[1] == _ACTION_NUMERIC_COMPARISON:
            self._reply(1)

    def typed(self, text):
        """What the wearer has typed: digits that the companion shows. Others are not heard."""
        if self._asks is None or self._asks[1] != _ACTION_INPUT:
            return
        if len(text) == DIGITS and text.isdigit():
            self._reply(int(text))

    def over(self):
        """A pairing has ended, or the link."""
        self._asks = None
        if self._shows:
            self._board.show("")

    def _reply(self, number):
        (connection, action), self._asks = self._asks, None
        self._answer(connection, action, number)

    def _answer(self, connection, action, number):
        # From a task, although a link is being secured: it is this one, and waits for us. NimBLE
        # runs one security procedure at a time (syscfg.h, BLE_SM_MAX_PROCS).
        try:
            self._ble.gap_passkey(connection, action, number)
        except OSError as error:
            print("link: the pairing has ended:", error)
