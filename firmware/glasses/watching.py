# SPDX-License-Identifier: Apache-2.0
"""Watching: the glasses look by themselves, and report when what they see has changed.

Each look takes a small grey picture. The image model runs only if that differs from the picture it
last ran on, or if its last result differs from what was reported; without a model, motion and
brightness are reported.
"""

import asyncio
from asyncio import core
from time import ticks_add, ticks_diff

from glasses import protocol
from glasses.config import MOTION
from glasses.perception import vision
from glasses.perception.trigger import MOTION_SHARE, Told, Trigger

# Consecutive looks that must agree before a label is reported and, without a model, looks without
# motion before "still" is.
AGREE_LOOKS = 2
STILL_LOOKS = 5
# A label must be this much more probable than the next best.
LEAD_LEAST = 0.2
# After a picture has failed, the camera is tried again after this time.
RETRY_MS = 5000
ERROR_TEXT_MAX = 80


class Watcher:
    """Watches while the setting `watch_every_ms` or a companion asks for it.

    Args:
        app: The glasses.app.Glasses.
    """

    def __init__(self, app):
        self._app = app
        self._news = asyncio.Event()
        self._failed = False
        self._begin()
        app.link.on_watch = self.again

    def _begin(self):
        self._trigger = Trigger()
        self._told = Told()
        self._eye = None  # what looked last

    @property
    def every_ms(self):
        """The time between looks; 0 while nobody asks for any, or without a camera."""
        app = self._app
        if app.board.camera is None:
            return 0
        wanted = (app.settings["watch_every_ms"], app.link.watch_every_ms)
        return min([ms for ms in wanted if ms] or [0])

    def again(self, begins=False):
        """Applies a changed request; what is seen is reported anew if a companion `begins`."""
        if begins:
            self._begin()
        self._news.set()

    async def run(self):
        """Watches whenever somebody asks for it; never returns."""
        while True:
            self._news.clear()
            if not self.every_ms:
                self._failed = False
                self._begin()
                await self._news.wait()
                continue
            try:
                await self._watch()
            except (OSError, MemoryError) as error:
                if not self._failed:
                    self._app.journal.notice("camera", str(error)[:ERROR_TEXT_MAX])
                self._failed = True
                await self._pause(RETRY_MS)

    async def _watch(self):
        """Looks until nobody asks for it. Raises OSError or MemoryError if there is no picture."""
        app = self._app
        hold = getattr(app.board.camera, "hold", None)
        app.ledger.begin(protocol.STATE_WATCHING)
        app.privacy.begin()
        try:
            if hold:
                hold(True)
            due_ms = core.ticks()
            while True:
                every_ms = self.every_ms
                if not every_ms:
                    return
                await self._look()
                due_ms = ticks_add(due_ms, every_ms)
                left_ms = ticks_diff(due_ms, core.ticks())
                if left_ms < 0:  # missed looks are not made up for
                    due_ms = ticks_add(due_ms, -left_ms)
                    left_ms = 0
                await self._pause(left_ms)
                if self._news.is_set():  # the next look is due at once
                    self._news.clear()
                    due_ms = core.ticks()
        finally:
            if hold:
                hold(False)
            app.privacy.end()
            app.ledger.end(protocol.STATE_WATCHING)

    async def _pause(self, length_ms):
        """Waits, or returns early if a request changes."""
        try:
            await asyncio.wait_for_ms(self._news.wait(), length_ms)
        except asyncio.TimeoutError:
            pass

    async def _look(self):
        app, trigger, told = self._app, self._trigger, self._told
        eye = app.vision
        grey = await vision.picture(app.board.camera, eye)
        share = await trigger.compare(grey, eye.width, eye.height)
        by, p, enough = MOTION, share, AGREE_LOOKS
        if trigger.is_dark:
            trigger.forget()  # anything seen when it is light again is new
            label, p = "dark", 1.0
        elif eye.name == MOTION:
            moves = trigger.has_kept and share >= MOTION_SHARE
            trigger.keep()
            label, enough = ("motion", 1) if moves else ("still", STILL_LOOKS)
        elif share >= MOTION_SHARE or told.is_doubtful or eye is not self._eye:
            trigger.keep()
            self._eye = eye
            label, p = await eye.look(grey)
            app.ledger.looked()
            by = eye.name
            if told.label is not None and eye.lead < LEAD_LEAST:
                label = None
        else:
            return
        if told.look(label, enough):
            app.journal.append(protocol.EVENT_SEEN, {"label": label, "p": p, "by": by})
