# SPDX-License-Identifier: Apache-2.0
"""Pairing with digits, on boards that can show some: the wearer sees that nobody stands between.

A companion that shows digits too is compared with: a press of the button says that they are the
same. One that only takes digits is given those that the board shows. With one that can do neither,
nothing would be proved, and such a bond does not count. Boards without a display pair with
whoever is there, which Bluetooth calls Just Works.
"""

import os

from micropython import const

# BLE_HS_IO_* of NimBLE's ble_hs.h.
_IO_DISPLAY_YES_NO = const(1)
_IO_NO_INPUT_OUTPUT = const(3)
# MP_BLUETOOTH_PASSKEY_ACTION_* of MicroPython's extmod/modbluetooth.h.
_ACTION_DISPLAY = const(3)
_ACTION_NUMERIC_COMPARISON = const(4)

NUMBERS = 1000000


class Digits:
    """What a pairing needs of the wearer.

    Attributes:
        method: How the glasses pair, in SPEC.md's words.
    """

    def __init__(self, display):
        """`display` is the board's: `show(text)`, "" for nothing; None if it has none."""
        self.method = "just works" if display is None else "digits"
        self._display = display
        self._ble = None
        self._asks = None  # the connection whose digits wait for the button

    def start(self, ble):
        """Tells the stack what the board can do."""
        self._ble = ble
        shows = self._display is not None
        ble.config(mitm=shows, io=_IO_DISPLAY_YES_NO if shows else _IO_NO_INPUT_OUTPUT)

    def enough(self, authenticated):
        """Whether a link that is `authenticated` or not proves what this board wants proved."""
        return bool(authenticated) or self._display is None

    def ask(self, connection, action, number):
        """Shows what the stack asks the wearer about."""
        if self._display is None:
            return
        if action == _ACTION_DISPLAY:
            number = int.from_bytes(os.urandom(4), "little") % NUMBERS
            self._answer(connection, action, number)
        elif action == _ACTION_NUMERIC_COMPARISON:
            self._asks = connection
        else:
            return
        self._display.show("%06d" % number)

    def button(self, pressed):
        """The wearer's button: the digits are the same."""
        if pressed and self._asks is not None:
            connection, self._asks = self._asks, None
            self._answer(connection, _ACTION_NUMERIC_COMPARISON, 1)

    def over(self):
        """A pairing has ended, or the link."""
        self._asks = None
        if self._display is not None:
            self._display.show("")

    def _answer(self, connection, action, number):
        try:
            self._ble.gap_passkey(connection, action, number)
        except OSError as error:
            print("link: the pairing has ended:", error)
