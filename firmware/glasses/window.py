# SPDX-License-Identifier: Apache-2.0
"""The pairing window: the time in which unknown companions may pair."""

from glasses.protocol import LIMIT_PAIRING_WINDOW_MS


class Window:
    """Open until a companion has paired, or its time is over.

    Attributes:
        is_open: Whether it is; set to False to close it.
        on_open: What is called when it opens, a list.
    """

    def __init__(self):
        self.is_open = False
        self.on_open = []
        self._left_ms = 0

    def open(self, length_ms=LIMIT_PAIRING_WINDOW_MS):
        """Opens it for `length_ms`, which pass as `passed` says."""
        self._left_ms = length_ms
        self.is_open = True
        print("pairing: open")
        for tell in self.on_open:
            tell()

    def passed(self, length_ms):
        """So much time has passed: closes it when its own is over."""
        self._left_ms -= length_ms
        if self._left_ms <= 0:
            self.is_open = False

    @property
    def left_ms(self):
        """How long it stays open; 0 for closed."""
        return self._left_ms if self.is_open else 0
