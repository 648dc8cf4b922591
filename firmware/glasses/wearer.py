# SPDX-License-Identifier: Apache-2.0
"""The wearer's button and light.

Held for two seconds, the button opens the pairing window; held for ten, it erases what belongs to
whoever wore the glasses before. Both count when it is let go. The light blinks while the window is
open or would be, and flickers once letting go would erase.
"""

import asyncio
import time

from glasses import storage
from glasses.boot.reset import reset
from glasses.boot.slots import Slots
from glasses.journal import Journal, JournalFile
from glasses.protocol import LIMIT_ERASE_HOLD_MS, LIMIT_PAIRING_HOLD_MS

TICK_MS = 100
# Of so many ticks, the light is on for the first.
BLINK_TICKS = 10
FLICKER_TICKS = 2


class Wearer:
    """One button, one light.

    Args:
        window: The pairing window.
        privacy: Has the light.
        erase: Called when the button asks for it.
    """

    def __init__(self, window, privacy, erase):
        self._window = window
        self._privacy = privacy
        self._erase = erase
        self._pressed_ms = None
        self._news = asyncio.Event()
        window.on_open.append(self._news.set)
        self._news.set()

    def button(self, pressed, at_ms):
        """Takes what the button did at `at_ms` ticks."""
        if pressed:
            self._pressed_ms = at_ms
            self._news.set()
        elif self._pressed_ms is not None:
            held_ms = time.ticks_diff(at_ms, self._pressed_ms)
            self._pressed_ms = None
            if held_ms >= LIMIT_ERASE_HOLD_MS:
                self._erase()
            elif held_ms >= LIMIT_PAIRING_HOLD_MS:
                self._window.open()

    async def run(self):
        """Shows the state on the light, and closes the window in time, until cancelled."""
        tick = 0
        while True:
            if self._pressed_ms is None and not self._window.is_open:
                self._privacy.signal(False)
                await self._news.wait()
            self._news.clear()
            ticks = self._ticks()
            self._privacy.signal(ticks > 0 and tick % ticks == 0)
            tick += 1
            await asyncio.sleep_ms(TICK_MS)
            self._window.passed(TICK_MS)

    def _ticks(self):
        """From one flash of the light to the next; 0 for none."""
        held_ms = 0
        if self._pressed_ms is not None:
            held_ms = time.ticks_diff(time.ticks_ms(), self._pressed_ms)
        if held_ms >= LIMIT_ERASE_HOLD_MS:
            return FLICKER_TICKS
        return BLINK_TICKS if self._window.is_open or held_ms >= LIMIT_PAIRING_HOLD_MS else 0


def erase(flash):
    """Erases events, settings and bonds, leaves a note of it, and starts the glasses anew.

    The bonds go last: until then they are those of before, and nobody else reads anything. What is
    in memory is not written any more, for nothing else runs until the reset.
    """
    print("erasing: the button was held")
    storage.remove(flash + "/bonds.json" + storage.SPARE)  # room for the note
    _remove(flash + "/journal.bin")
    try:
        # It stays: a board without it is one that nobody has set up.
        storage.replace(flash + "/config.json", "{}")
    except OSError:
        _remove(flash + "/config.json")
    journal = Journal(JournalFile(flash + "/journal.bin"))
    journal.notice("erased", "events, settings and bonds, by the button")
    journal.save()
    _remove(flash + "/bonds.json")
    Slots(flash + "/update").stopped()
    reset()


def _remove(path):
    for name in (path + storage.NEW, path + storage.SPARE, path):
        storage.remove(name)
