# SPDX-License-Identifier: Apache-2.0
"""Who comes and goes: what is advertised, whose links are ended, and when the stack may be called.

NimBLE's host holds its lock when it asks for a secret or hands one over, and on ESP32 waits for
MicroPython's meanwhile. A task that then calls what waits for the host's lock never returns, and
the watchdog resets the glasses. Three things keep that from happening:

* What strangers bring about is answered in the stack's own events: all are told by one task of the
  host, which holds its lock for secrets only. There, a stranger's link is ended and advertising
  begun again; no task need do it at a moment that the stranger has chosen.
* Before a task calls, whoever waits for MicroPython's lock goes first. On ESP32 the host's task
  runs on the same core, at a higher priority (ports/esp32/boards/sdkconfig.ble, main.c), so that
  it is not waiting for it any more when the pause of no length is over (mphalport.c,
  mp_hal_delay_ms).
* No task calls while a link's security is under way (see peers.py).

What is left: a peer whose security begins without a word to MicroPython, in the few microseconds
between that pause and the call. Python cannot keep the host out there. Unannounced are: a known
companion on stacks that tell of a link late (ESP-IDF from 5.4.2 on); a peer that begins to pair
long after it has connected, with the window open; one whose link is encrypted anew, or which pairs
anew. The watchdog runs always, for these.
"""

import asyncio
import errno
import time

from micropython import const

from glasses import services
from glasses.protocol import PAIRING_OPEN

# What the stack says when the controller knows a connection no more whose end it has yet to tell.
_UNKNOWN_CONNECTION = const(-514)

ADVERTISE_INTERVAL_US = 100000
# How often it is looked who has had their time, and whether what is advertised is still true.
DOOR_MS = 20


class Door:
    """Advertises while there is room, and ends the links of those who have had their time.

    Attributes:
        refused: Calls that the stack refused, and that were made again.
        dropped: Strangers whose links were ended.
    """

    def __init__(self, ble, bonds, peers):
        self.refused = self.dropped = 0
        self._ble = ble
        self._bonds = bonds
        self._peers = peers
        self._addresses = services.Addresses(ble)
        self._scan_response = b""
        self._advertising = False
        self._said = None  # of the pairing window, in what is advertised; None: say it anew
        self._changing = False
        self._wake = asyncio.ThreadSafeFlag()
        bonds.window.on_open.append(self._wake.set)

    def rename(self, name):
        """Advertises this name from now on."""
        self._scan_response = services.scan_response(name)
        self.look(anew=True)

    def look(self, anew=False):
        """Has `run` see what is due; `anew`: with what is advertised, too."""
        if anew:
            self._said = None
        self._wake.set()

    @property
    def is_calm(self):
        """Whether a task may call now what waits for the lock of NimBLE's host."""
        time.sleep_ms(0)  # whoever waits for MicroPython's lock with the host's held goes first
        return not self._peers.are_quiet

    async def run(self):
        """Looks after the door, for ever."""
        while True:
            await self._wake.wait()
            while self._attend():
                await asyncio.sleep_ms(DOOR_MS)

    def _attend(self):
        """Does what is due; returns whether more will be."""
        state = self._bonds.state
        for peer in self._peers:
            if state != PAIRING_OPEN:
                self._peers.close_to(peer)
            if peer.is_overdue and self.is_calm:
                self.show_out(peer)
        is_open = self._bonds.window.is_open
        fits = self._said == state and self._addresses.fit(is_open)
        if self._peers.has_room and not (self._advertising and fits) and self.is_calm:
            self._advertise(from_task=True)
        return is_open or not self._advertising or any(peer.bond is None for peer in self._peers)

    def show_out(self, peer):
        """Ends the link of a peer."""
        peer.authorised = False
        try:
            self._ble.gap_disconnect(peer.connection)
        except OSError as error:
            if error.errno not in (errno.EALREADY, _UNKNOWN_CONNECTION):
                self.refused += 1
                return
        peer.leaving = True
        self.dropped += 1

    def _advertise(self, from_task):
        """Says anew what is true now. A task asks before each call: somebody may have come."""
        self._changing = True
        try:
            if self._advertising:
                self._ble.gap_advertise(None)
                self._advertising = False
            if from_task and not self.is_calm:
                return
            self._addresses.choose(self._bonds.window.is_open)
            if from_task and not self.is_calm:
                return
            self._said = state = self._bonds.state
            self._advertising = True  # until somebody connects, perhaps before the call returns
            self._ble.gap_advertise(
                ADVERTISE_INTERVAL_US,
                services.advertisement(state),
                resp_data=self._scan_response,
            )
        except OSError as error:
            self._advertising = False
            print("link: not advertising, for now:", error)
            self.refused += 1
        finally:
            self._changing = False

    # What the stack's events call, when it may be called.

    def came(self, peer):
        """A peer has connected, which ends advertising."""
        self._advertising = False
        self._peers.enter(peer)
        if peer.is_overdue:
            self.show_out(peer)
        self._advertise_again()

    def went(self):
        """A link has ended."""
        self._advertise_again()

    def stopped(self):
        """Advertising has ended by itself, at a moment when the stack may not be called."""
        self._advertising = False
        self._wake.set()

    def _advertise_again(self):
        # Between any two byte codes of a task, which may be about to do the same.
        if self._peers.has_room and not self._advertising and not self._changing:
            self._advertise(from_task=False)
        self._wake.set()
