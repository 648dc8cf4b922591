# SPDX-License-Identifier: Apache-2.0
"""Safe mode: the link, with requests about starting and updates, and nothing that could crash."""

import asyncio
import time

from glasses import config, media, smp
from glasses.bonds import Bonds
from glasses.journal import Journal
from glasses.link import Link
from glasses.smp import pairing, system
from glasses.smp.images import Images


class SafeMode:
    """The least that can be told what to do next."""

    def __init__(self, board):
        try:
            name = config.load(board.flash + "/config.json")["name"]
        except ValueError:
            name = config.DEFAULTS["name"]  # perhaps that is what it crashed of
        server = smp.Server()
        facts = {"s": "Glint safe mode", "n": name, "r": config.FIRMWARE, "i": board.name}
        self._images = Images(server, board)
        journal = Journal()
        system.serve(server, facts, journal.time_ms)
        self._bonds = Bonds(board.flash + "/bonds.json")
        outbox = media.Outbox(journal)
        self._link = Link(name, board.name, config.FIRMWARE, journal, outbox, server, self._bonds)
        pairing.serve(server, self._bonds, self._link)
        self._pressed = asyncio.ThreadSafeFlag()
        self._presses = []
        board.button.on_change = self._on_button

    async def run(self):
        """Runs until a reset is asked for."""
        await asyncio.gather(self._link.run(), self._images.run(), self._watch_button())

    def _on_button(self, pressed):
        self._presses.append((pressed, time.ticks_ms()))
        self._pressed.set()

    async def _watch_button(self):
        while True:
            await self._pressed.wait()
            while self._presses:
                self._bonds.window.button(*self._presses.pop(0))
