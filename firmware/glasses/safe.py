# SPDX-License-Identifier: Apache-2.0
"""Safe mode: the link, and requests for repair, without perception, which may crash."""

import asyncio
import time

from glasses import config, media, smp
from glasses.bonds import Bonds
from glasses.journal import Journal
from glasses.link import Link
from glasses.privacy import Privacy
from glasses.smp import files, pairing, settings, stats, system
from glasses.smp.images import Images
from glasses.wearer import Wearer, erase


class SafeMode:
    """Safe mode's application: it serves requests about updates, settings, models and bonds."""

    def __init__(self, board):
        config_path, models = board.flash + "/config.json", board.flash + "/models"
        self._settings, _ = config.load(config_path)
        name = self._settings["name"]
        server = smp.Server()
        facts = {"s": "Glint safe mode", "n": name, "r": config.FIRMWARE, "i": board.name}
        self._images = Images(server, board)
        journal = Journal()
        system.serve(server, facts, journal.time_ms)
        stats.serve(server, {"smp_svr_stats": server.counts})
        files.Files(server, models)
        settings.Settings(server, self._settings, config_path, models, self._use)
        self._bonds = Bonds(board.flash + "/bonds.json")
        outbox = media.Outbox(journal)
        about = name, board.name, config.FIRMWARE
        display = getattr(board, "digits", None)
        self._link = Link(*about, journal, outbox, server, self._bonds, display)
        pairing.serve(server, self._bonds, self._link)
        self._wearer = Wearer(self._bonds.window, Privacy(board.light), lambda: erase(board.flash))
        self._pressed = asyncio.ThreadSafeFlag()
        self._presses = []
        board.button.on_change = self._on_button

    async def run(self):
        """Runs until a reset is asked for."""
        await asyncio.gather(
            self._link.run(),
            self._images.run(),
            self._bonds.run(),
            self._wearer.run(),
            self._watch_button(),
        )

    def _use(self, changes):
        """Models are not looked at: the application does, at its start, and does without."""

        def put_to_use():
            if "name" in changes:
                self._link.rename(changes["name"])

        return put_to_use

    def _on_button(self, pressed):
        self._presses.append((pressed, time.ticks_ms()))
        self._pressed.set()

    async def _watch_button(self):
        while True:
            await self._pressed.wait()
            while self._presses:
                press = self._presses.pop(0)
                self._wearer.button(*press)
                self._link.digits.button(press[0])
